//! Settings of the reward.

use crate::{RewardError, RewardTransform};
use apprentice_encoder::AlignmentConfig;
use apprentice_optimal_transport::{Metric, SinkhornConfig};
use serde::{Deserialize, Serialize};

/// How a reward is learnt and computed. "Author" is the public code of RAPL's first author.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RewardConfig {
    /// Preferred videos that others are compared with (author: 6).
    pub preferred: usize,
    /// How they are chosen (author: first).
    pub preferred_rule: PreferredRule,
    /// What each moment's cost becomes (author: scaled_square).
    pub transform: TransformKind,
    /// Weight of squared costs where `transform` is `scaled_square` (author: 10000 / 45^2 = 4.94).
    pub square_scale: f64,
    /// Transport at the time of scoring.
    pub transport: RewardTransport,
    /// Parts the rankings are divided into; each part is judged by a model that has not seen it.
    pub folds: usize,
    /// Shuffles of the permutation test.
    pub permutations: usize,
    /// Largest chance of a fluke at which the rankings count as evidence.
    pub significance: f64,
}

/// Which of the best-ranked episodes are the preferred ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreferredRule {
    /// Those closest to the other best-ranked ones and farthest from the worst-ranked: a wrong ranking's
    /// "best" stands alone and is passed over.
    #[default]
    Central,
    /// The first in the order of the rankings.
    First,
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
pub struct RewardTransport {
    /// Distance of two frames (author: cosine, whatever training used).
    pub metric: RewardMetric,
    /// Weight of the entropy, in units of the distance; 0 for that of training (author: 1).
    pub epsilon: f64,
}

/// Distance of two frames at the time of scoring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardMetric {
    /// The one of training.
    #[default]
    AsInTraining,
    /// [`Metric::Cosine`].
    Cosine,
    /// [`Metric::Euclidean`].
    Euclidean,
}

impl Default for RewardConfig {
    fn default() -> Self {
        Self {
            preferred: 6,
            preferred_rule: PreferredRule::default(),
            transform: TransformKind::default(),
            square_scale: 5.0,
            transport: RewardTransport::default(),
            folds: 4,
            permutations: 1999,
            significance: 0.01,
        }
    }
}

impl RewardConfig {
    /// Whether a reward can be learnt with these settings.
    ///
    /// # Errors
    /// Names the first key that cannot be, its value and what is allowed.
    pub fn validate(&self) -> Result<(), RewardError> {
        let refuse =
            |key, got: String, allowed: String| Err(RewardError::Config { key, got, allowed });
        for (key, value, least) in [
            ("reward.preferred", self.preferred, 1),
            ("reward.folds", self.folds, 2),
            ("reward.permutations", self.permutations, 1),
        ] {
            if value < least {
                return refuse(key, value.to_string(), format!("{least} or more"));
            }
        }
        if !(0.0..=1.0).contains(&self.significance) {
            let got = self.significance.to_string();
            return refuse("reward.significance", got, "0 to 1".into());
        }
        // Even if no shuffle does as well, the chance is one in (shuffles + 1).
        let least = 1.0 / (self.permutations as f64 + 1.0);
        if self.significance > 0.0 && self.significance < least {
            return refuse(
                "reward.significance",
                self.significance.to_string(),
                format!(
                    "{least:.4} or more with {} permutations, or 0 for never",
                    self.permutations
                ),
            );
        }
        if !(self.square_scale > 0.0 && self.square_scale.is_finite()) {
            let got = self.square_scale.to_string();
            return refuse("reward.square_scale", got, "more than 0".into());
        }
        let epsilon = self.transport.epsilon;
        if !(epsilon >= 0.0 && epsilon.is_finite()) {
            return refuse(
                "reward.transport.epsilon",
                epsilon.to_string(),
                "more than 0, or 0 for that of training".into(),
            );
        }
        Ok(())
    }

    /// Distance and transport at the time of scoring, and what becomes of the costs.
    ///
    /// # Errors
    /// When costs are to lie within 0 to 1 and the distance has no upper bound.
    pub(crate) fn scoring(
        &self,
        alignment: &AlignmentConfig,
    ) -> Result<(Metric, SinkhornConfig, RewardTransform), RewardError> {
        let metric = match self.transport.metric {
            RewardMetric::AsInTraining => alignment.metric,
            RewardMetric::Cosine => Metric::Cosine,
            RewardMetric::Euclidean => Metric::Euclidean,
        };
        let mut transport = alignment.transport;
        if self.transport.epsilon > 0.0 {
            transport.epsilon = self.transport.epsilon;
        }
        let transform = match self.transform {
            TransformKind::Raw => RewardTransform::Raw,
            TransformKind::ScaledSquare => RewardTransform::ScaledSquare {
                scale: self.square_scale,
            },
            TransformKind::UnitRange if metric == Metric::Cosine => RewardTransform::UnitRange,
            TransformKind::UnitRange => {
                return Err(RewardError::Config {
                    key: "reward.transform",
                    got: "unit_range with the euclidean metric".into(),
                    allowed:
                        "unit_range with cosine, whose distances end at 2; raw or scaled_square"
                            .into(),
                });
            }
        };
        Ok((metric, transport, transform))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_work_are_named() {
        type Change = fn(&mut RewardConfig);
        let changes: [(Change, &str); 6] = [
            (
                |c| c.preferred = 0,
                "reward.preferred is 0, allowed: 1 or more",
            ),
            (|c| c.folds = 1, "reward.folds is 1, allowed: 2 or more"),
            (
                |c| c.significance = f64::NAN,
                "reward.significance is NaN, allowed: 0 to 1",
            ),
            (
                |c| c.permutations = 19,
                "reward.significance is 0.01, allowed: 0.0500 or more",
            ),
            (|c| c.square_scale = 0.0, "reward.square_scale is 0,"),
            (
                |c| c.transport.epsilon = -1.0,
                "reward.transport.epsilon is -1,",
            ),
        ];
        assert!(RewardConfig::default().validate().is_ok());
        for (change, wanted) in changes {
            let mut config = RewardConfig::default();
            change(&mut config);
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }

    #[test]
    fn scoring_is_as_in_training_unless_told_otherwise() {
        let alignment = AlignmentConfig {
            metric: Metric::Euclidean,
            ..AlignmentConfig::default()
        };
        let mut config = RewardConfig::default();
        let as_trained = config.scoring(&alignment).unwrap();
        assert_eq!(
            as_trained,
            (Metric::Euclidean, alignment.transport, RewardTransform::Raw)
        );
        config.transport.epsilon = 1.0;
        config.transform = TransformKind::UnitRange;
        assert!(config.scoring(&alignment).is_err());
        config.transport.metric = RewardMetric::Cosine;
        let (metric, transport, transform) = config.scoring(&alignment).unwrap();
        assert_eq!(
            (metric, transform),
            (Metric::Cosine, RewardTransform::UnitRange)
        );
        assert_eq!((transport.epsilon, transport.iterations), (1.0, 100));
    }
}
