//! What a learnt reward does.

use crate::{RewardError, Score};
use apprentice_encoder::FeatureClip;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Debug;

/// A reward that was learnt.
pub trait RewardModel: Debug + Send {
    /// Scores a clip.
    ///
    /// # Errors
    /// When the clip has no frame, or frames of another width than those that were learnt from ([`check_width`]).
    fn score(&self, clip: &FeatureClip) -> Result<Score, RewardError>;

    /// [`Self::score`] of many clips.
    ///
    /// # Errors
    /// The first clip's error, in order.
    fn score_all(&self, clips: &[FeatureClip]) -> Result<Vec<Score>, RewardError> {
        clips.iter().map(|clip| self.score(clip)).collect()
    }

    /// How similar each of `anchors`, by index, is to each of `clips`, one row an anchor: the higher, the more
    /// similar. Unless a model knows better, minus the difference of their totals.
    ///
    /// # Errors
    /// When a clip cannot be scored, or an anchor is none of the clips.
    fn similarities(
        &self,
        anchors: &[usize],
        clips: &[FeatureClip],
    ) -> Result<Vec<Vec<f64>>, RewardError> {
        let totals: Vec<f64> = self.score_all(clips)?.iter().map(|s| s.total).collect();
        let row = |&anchor: &usize| {
            let own = totals.get(anchor).ok_or_else(|| {
                RewardError::NoData(format!("clip {anchor} of {} clips", clips.len()))
            })?;
            Ok(totals.iter().map(|t| -(t - own).abs()).collect())
        };
        anchors.iter().map(row).collect()
    }

    /// The model as JSON, for [`RewardLearner::load`](crate::RewardLearner::load).
    ///
    /// # Errors
    /// When it has a number that JSON has not.
    fn save(&self) -> Result<Value, RewardError>;
}

/// Whether `clip` has frames, of `width` features.
///
/// # Errors
/// Says what it has instead.
pub fn check_width(clip: &FeatureClip, width: usize) -> Result<(), RewardError> {
    if clip.width != width {
        return Err(RewardError::Width {
            got: clip.width,
            wanted: width,
        });
    }
    if clip.frames() == 0 {
        return Err(RewardError::NoData("a clip has no frame".into()));
    }
    Ok(())
}

/// `model` as JSON; numbers of 32 bits stay as short as they can be.
///
/// # Errors
/// When it has a number that JSON has not.
pub fn to_json(model: &impl Serialize) -> Result<Value, RewardError> {
    let text = serde_json::to_string(model);
    text.and_then(|t| serde_json::from_str(&t))
        .map_err(|e| RewardError::Stored(e.to_string()))
}

/// A model from what [`to_json`] gave.
///
/// # Errors
/// When a field is missing or misshapen.
pub fn from_json<M: DeserializeOwned>(value: Value) -> Result<M, RewardError> {
    serde_json::from_value(value).map_err(|e| RewardError::Stored(e.to_string()))
}
