//! The reward: what is learnt from judgements of clips, scores clips, and says how sure it is.
//!
//! A [`RewardLearner`] (the registry [`Learner`] lists those there are; the first is RAPL's optimal-transport reward,
//! [`learners::optimal_transport`]) turns clips and judgements into a [`RewardModel`]. [`learn_reward`] does the rest
//! for every learner: folds, a committee of models, and [`evidence`], a permutation test on judgements that a model
//! has not seen. [`agreement`] measures rank correlation and triplet accuracy. What the paper leaves open is listed in
//! `apprentice-encoder`.
//!
//! ```
//! use apprentice_core::Seed;
//! use apprentice_encoder::FeatureClip;
//! use apprentice_episode::EpisodeId;
//! use apprentice_preference::Judgement;
//! use apprentice_reward::{JudgedClips, Learner, RewardError};
//! use burn::tensor::Device;
//! use std::collections::BTreeMap;
//!
//! # fn main() -> Result<(), RewardError> {
//! // Three clips of two frames with one feature each, ranked from high to low.
//! let clips: Vec<_> = [1.0, 0.4, -1.0].map(|v| FeatureClip::vision(1, vec![v; 2])).into();
//! let index: BTreeMap<EpisodeId, usize> = [("a", 0), ("b", 1), ("c", 2)].map(|(id, i)| (id.into(), i)).into();
//! let order = ["a", "b", "c"].map(|id| vec![EpisodeId::from(id)]).into();
//! let judgements = [Judgement::ranking(0, "ann", 1.0, order, None)];
//! let judged = JudgedClips::new(&clips, &index, &judgements);
//!
//! let learner = Learner::default();
//! let trained = learner.learn(&judged, Seed(1), &Device::flex(), &mut |_| true)?;
//! let scores = trained.model.score_all(&clips)?;
//! assert!(scores[0].total > scores[2].total);
//! # Ok(())
//! # }
//! ```

#![recursion_limit = "256"]
#![deny(missing_docs)]

pub mod agreement;
mod config;
mod error;
pub mod evidence;
mod folds;
pub mod judged_clips;
pub mod kernel_fit;
mod learned_reward;
pub mod learners;
mod learning;
pub mod listwise;
pub mod panel;
pub mod reward_learner;
pub mod reward_model;
mod score;

pub use agreement::{highest, majority_baseline, pair_accuracy, spearman, triplet_accuracy};
pub use config::RewardConfig;
pub use error::RewardError;
pub use evidence::{Evidence, permutation_test};
pub use folds::Folds;
pub use judged_clips::{JudgedClips, Order};
pub use learned_reward::{LearnedReward, StoredReward};
pub use learners::Learner;
pub use learning::learn_reward;
pub use listwise::Listwise;
pub use panel::{Member, PanelRow, panel};
pub use reward_learner::{LearningReport, RewardLearner, TrainedModel};
pub use reward_model::RewardModel;
pub use score::Score;
