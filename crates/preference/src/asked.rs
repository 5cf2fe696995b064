//! Why just this was asked.

use serde::{Deserialize, Serialize};

/// Why a question was asked, and what was expected of its answer beforehand: kept with the answer, so that it can be
/// told later whether questions were worth what they cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asked {
    /// Name of the strategy that chose it.
    pub strategy: String,
    /// Whether the same person had been asked it before, to see how consistent they are.
    pub again: bool,
    /// Answers that were learnt from when it was chosen; fewer than there were, where learning lagged behind.
    pub learnt_from: usize,
    /// Information the answer was expected to give of what is learnt, bits; `None` where nothing was learnt yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<f64>,
    /// What the answer left open, bits: the entropy of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_bits: Option<f64>,
    /// Share of pairs of episodes that the answer was expected to put right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_gain: Option<f64>,
    /// How long the answer was expected to take, seconds; how long it took is the judgement's `response_time_ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}
