//! What a reward learner does.

use crate::{JudgedClips, RewardError, RewardModel};
use apprentice_core::Seed;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Debug;

/// Hears which share is done, 0 to 1; answers `false` to stop.
pub type Watch<'a> = dyn FnMut(f64) -> bool + 'a;

/// How the learning went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LearningReport {
    /// Clips that others are compared with; empty where a learner compares with none.
    pub preferred: Vec<usize>,
    /// Comparisons that the judgements gave.
    pub comparisons: usize,
    /// Mean training loss of each epoch.
    pub training_loss: Vec<f64>,
    /// Validation loss of each epoch.
    pub validation_loss: Vec<f64>,
    /// Whether judgements that were kept back are about clips that others were learnt from: too many hang together.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub folds_share_clips: bool,
}

/// A model and how it came about.
#[derive(Debug)]
pub struct TrainedModel {
    /// The model.
    pub model: Box<dyn RewardModel>,
    /// How the learning went.
    pub report: LearningReport,
}

/// The settings of a way to learn a reward, as the registry ([`Learner`](crate::Learner)) holds them.
pub trait RewardLearner: Debug + Send + Sync {
    /// Names of the kinds of judgement that it learns from (`"ranking"`, `"rating"`, ...), as
    /// [`learnt_as`](apprentice_preference::Judgement::learnt_as) gives them; others are kept, not learnt from.
    fn uses(&self) -> &'static [&'static str];

    /// Whether it can work with these settings.
    ///
    /// # Errors
    /// Names the first key that cannot be, its value and what is allowed.
    fn validate(&self) -> Result<(), RewardError>;

    /// Optimiser steps it takes to learn from so many comparisons, to say beforehand how long that is going to take.
    fn steps(&self, comparisons: usize) -> usize {
        let _ = comparisons;
        1
    }

    /// Learns from clips and judgements of the kinds it uses. The same seed gives the same model.
    ///
    /// # Errors
    /// [`RewardError::NothingPreferred`] when the judgements distinguish nothing; otherwise when a setting cannot work,
    /// a judgement names an unknown episode, a number is not finite, or `watch` stops it.
    fn learn(
        &self,
        judged: &JudgedClips<'_>,
        seed: Seed,
        device: &Device,
        watch: &mut Watch<'_>,
    ) -> Result<TrainedModel, RewardError>;

    /// A model that [`RewardModel::save`] gave.
    ///
    /// # Errors
    /// When a field is missing or misshapen.
    fn load(&self, stored: Value) -> Result<Box<dyn RewardModel>, RewardError>;
}
