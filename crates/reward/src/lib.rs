//! The reward: how near a video comes to the closest of a few preferred ones, in the aligned
//! space, frame by frame (RAPL, arXiv 2412.04835; closest-demonstration form of Haldar et al. 2022,
//! arXiv 2206.15469).
//!
//! [`rankings`] takes judgements apart, [`model`] scores videos, [`learning`] learns a model from
//! rankings and tries it on rankings it has not seen, [`evidence`] asks whether the rankings say anything
//! at all, [`agreement`] measures rank correlation and triplet accuracy. What the paper leaves open is
//! listed in `apprentice-encoder`.

#![recursion_limit = "256"]

pub mod agreement;
pub mod config;
pub mod evidence;
pub mod learning;
pub mod model;
mod preferred;
pub mod rankings;

pub use agreement::{anchors, majority, pair_accuracy, spearman, triplet_accuracy};
pub use config::{PreferredRule, RewardConfig, RewardMetric, RewardTransport, TransformKind};
pub use evidence::{Evidence, permutation_test};
pub use learning::{Learned, RewardError, learn};
pub use model::{RewardModel, RewardTransform, Scored};
pub use rankings::{RankedClips, USED_JUDGEMENTS};
