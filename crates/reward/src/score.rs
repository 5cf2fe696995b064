//! What a reward says of a clip.

use serde::{Deserialize, Serialize};

/// A clip's reward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The reward; the higher, the better. Its scale is the model's own.
    pub total: f64,
    /// Each frame's share; they add up to `total`.
    #[serde(rename = "moments", alias = "per_frame")]
    pub per_frame: Vec<f64>,
    /// Which preferred clip was closest, where a model compares with preferred clips.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closest: Option<usize>,
    /// Standard deviation of what the total may be: the model's own, and that of a committee of models.
    pub uncertainty: f64,
}
