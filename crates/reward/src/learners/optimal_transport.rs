//! RAPL's reward: minus the optimal-transport cost to the closest of a few preferred videos, in a space in which
//! rankings have been made distances (Tian et al. 2024, arXiv 2412.04835; closest-demonstration form of Haldar et al.
//! 2022, arXiv 2206.15469).

mod alignment;
mod comparisons;
mod model;
mod preferred;
mod projection;
mod transform;

pub use alignment::{AlignmentConfig, BradleyTerryLoss, Reduction, Ties};
pub use model::OptimalTransportModel;
pub use preferred::PreferredRule;
pub use projection::LinearProjection;
pub use transform::RewardTransform;

use crate::RewardError;
use crate::judged_clips::JudgedClips;
use crate::reward_learner::{LearningReport, RewardLearner, TrainedModel, Watch};
use crate::reward_model::{RewardModel, from_json};
use alignment::{Relation, align};
use apprentice_core::Seed;
use apprentice_optimal_transport::{Metric, SinkhornConfig};
use apprentice_preference::RANKING;
use burn::tensor::Device;
use comparisons::comparisons;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Settings of the optimal-transport reward. "Author" is the public code of RAPL's first author.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimalTransport {
    /// Preferred videos that others are compared with (author: 6).
    pub preferred: usize,
    /// How they are chosen (author: first).
    pub preferred_rule: PreferredRule,
    /// What each frame's cost becomes (author: scaled_square).
    pub transform: TransformKind,
    /// Weight of squared costs where `transform` is `scaled_square` (author: 10000 / 45^2 = 4.94).
    pub square_scale: f64,
    /// Where scoring a video differs from comparing videos in training.
    pub scoring: ScoringConfig,
    /// How the space is trained in which videos are compared.
    pub alignment: AlignmentConfig,
}

/// The names of [`RewardTransform`]'s forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransformKind {
    /// [`RewardTransform::Raw`].
    #[default]
    Raw,
    /// [`RewardTransform::ScaledSquare`].
    ScaledSquare,
    /// [`RewardTransform::UnitRange`].
    UnitRange,
}

/// Where scoring a video differs from comparing videos in training. Iterations, tolerance and form are
/// those of training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScoringConfig {
    /// Distance of two frames (author: cosine, whatever training used).
    pub metric: ScoringMetric,
    /// Weight of the entropy, in units of the distance; 0 for that of training (author: 1).
    pub epsilon: f64,
}

/// Distance of two frames at the time of scoring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoringMetric {
    /// The one of training.
    #[default]
    AsInTraining,
    /// [`Metric::Cosine`].
    Cosine,
    /// [`Metric::Euclidean`].
    Euclidean,
}

impl Default for OptimalTransport {
    fn default() -> Self {
        Self {
            preferred: 6,
            preferred_rule: PreferredRule::default(),
            transform: TransformKind::default(),
            square_scale: 5.0,
            scoring: ScoringConfig::default(),
            alignment: AlignmentConfig::default(),
        }
    }
}

impl OptimalTransport {
    /// Distance and Sinkhorn settings at the time of scoring, and what becomes of the costs.
    ///
    /// # Errors
    /// When costs are to lie within 0 to 1 and the distance has no upper bound.
    fn scoring(&self) -> Result<(Metric, SinkhornConfig, RewardTransform), RewardError> {
        let metric = match self.scoring.metric {
            ScoringMetric::AsInTraining => self.alignment.metric,
            ScoringMetric::Cosine => Metric::Cosine,
            ScoringMetric::Euclidean => Metric::Euclidean,
        };
        let mut sinkhorn = self.alignment.optimal_transport;
        if self.scoring.epsilon > 0.0 {
            sinkhorn.epsilon = self.scoring.epsilon;
        }
        let transform = match self.transform {
            TransformKind::Raw => RewardTransform::Raw,
            TransformKind::ScaledSquare => RewardTransform::ScaledSquare {
                scale: self.square_scale,
            },
            TransformKind::UnitRange if metric == Metric::Cosine => RewardTransform::UnitRange,
            TransformKind::UnitRange => {
                return Err(RewardError::Config {
                    key: "reward.learner.transform",
                    got: "unit_range with the euclidean metric".into(),
                    allowed:
                        "unit_range with cosine, whose distances end at 2; raw or scaled_square"
                            .into(),
                });
            }
        };
        Ok((metric, sinkhorn, transform))
    }
}

impl RewardLearner for OptimalTransport {
    fn uses(&self) -> &'static [&'static str] {
        &[RANKING]
    }

    fn validate(&self) -> Result<(), RewardError> {
        let refuse = |key, got: String, allowed: &str| {
            let allowed = allowed.into();
            Err(RewardError::Config { key, got, allowed })
        };
        if self.preferred == 0 {
            return refuse("reward.learner.preferred", "0".into(), "1 or more");
        }
        if !(self.square_scale > 0.0 && self.square_scale.is_finite()) {
            let got = self.square_scale.to_string();
            return refuse("reward.learner.square_scale", got, "more than 0");
        }
        let epsilon = self.scoring.epsilon;
        if !(epsilon >= 0.0 && epsilon.is_finite()) {
            return refuse(
                "reward.learner.scoring.epsilon",
                epsilon.to_string(),
                "more than 0, or 0 for that of training",
            );
        }
        self.alignment.validate()
    }

    fn steps(&self, comparisons: usize) -> usize {
        let kept = comparisons as f64 * (1.0 - self.alignment.validation_share);
        let steps = (kept / self.alignment.batch.max(1) as f64).ceil().max(1.0);
        steps as usize * self.alignment.epochs
    }

    fn learn(
        &self,
        judged: &JudgedClips<'_>,
        seed: Seed,
        device: &Device,
        watch: &mut Watch<'_>,
    ) -> Result<TrainedModel, RewardError> {
        let (clips, alignment) = (judged.clips, &self.alignment);
        let rankings = judged.rankings()?;
        let (metric, sinkhorn, transform) = self.scoring()?;
        let comparisons = comparisons(&rankings, alignment.ties);
        if !comparisons.iter().any(|c| c.relation == Relation::Closer) {
            return Err(RewardError::NothingPreferred(rankings.len()));
        }
        let watch = |done: usize, all: usize| watch(done as f64 / all as f64);
        let (projection, report) = align(clips, &comparisons, alignment, seed, device, watch)?;
        let preferred = preferred::choose(
            clips,
            &rankings,
            &projection,
            (metric, &sinkhorn),
            (self.preferred_rule, self.preferred),
        )?;
        let model = OptimalTransportModel {
            preferred: preferred
                .iter()
                .map(|&i| projection.embed(&clips[i]))
                .collect(),
            projection,
            metric,
            sinkhorn,
            transform,
        };
        Ok(TrainedModel {
            model: Box::new(model),
            report: LearningReport {
                preferred,
                comparisons: comparisons.len(),
                training_loss: report.training_loss,
                validation_loss: report.validation_loss,
                ..LearningReport::default()
            },
        })
    }

    fn load(&self, stored: Value) -> Result<Box<dyn RewardModel>, RewardError> {
        Ok(Box::new(from_json::<OptimalTransportModel>(stored)?))
    }
}

#[cfg(test)]
mod tests;
