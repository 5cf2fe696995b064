//! Settings of the alignment.

use super::bradley_terry::{BradleyTerryLoss, Reduction, Ties};
use crate::RewardError;
use apprentice_optimal_transport::{Metric, OptimalTransportError, SinkhornConfig};
use serde::{Deserialize, Serialize};

/// Settings of the alignment. "Author" is the public code of RAPL's first author
/// (github.com/thomasrantian/mvp); defaults are what suits clips of 16 frames and 20 rankings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlignmentConfig {
    /// Numbers of the aligned embedding (author: 32).
    pub embedding: usize,
    /// Passes over the comparisons (author: 50 in the runs the paper used, 100 in others).
    pub epochs: usize,
    /// Passes at the start in which the loss is computed and nothing is updated (author: 2).
    pub idle_epochs: usize,
    /// Comparisons a step (author: 10).
    pub batch: usize,
    /// Learning rate of Adam (author: 1e-3).
    pub learning_rate: f64,
    /// Decoupled weight decay (author: 0).
    pub weight_decay: f32,
    /// Whether features get mean 0 and spread 1 over the ranked clips before the head (author: no; there
    /// the batch statistics of the backbone's own normalisation drift to the task's images instead).
    pub standardise: bool,
    /// Loss (author: one_minus_p).
    pub loss: BradleyTerryLoss,
    /// What episodes of one place teach (author: ignore in the runs the paper used, equal in others).
    pub ties: Ties,
    /// What a step's losses become (author: sum).
    pub reduction: Reduction,
    /// Divides the difference of similarities (author: 1).
    pub temperature: f64,
    /// Distance of two frames (author: cosine, in later scripts euclidean).
    pub metric: Metric,
    /// Optimal transport between videos (author: epsilon 1, 1000 iterations, tolerance 1e-6).
    pub optimal_transport: SinkhornConfig,
    /// Share of the comparisons kept back to choose the epoch (author: 0.3, later 0.2).
    pub validation_share: f64,
}

impl Default for AlignmentConfig {
    fn default() -> Self {
        Self {
            embedding: 32,
            epochs: 40,
            idle_epochs: 0,
            batch: 10,
            learning_rate: 3e-4,
            weight_decay: 1e-2,
            standardise: true,
            loss: BradleyTerryLoss::default(),
            ties: Ties::default(),
            reduction: Reduction::default(),
            temperature: 0.5,
            metric: Metric::Cosine,
            optimal_transport: SinkhornConfig {
                epsilon: 0.1,
                iterations: 100,
                tolerance: 1e-4,
                ..SinkhornConfig::default()
            },
            validation_share: 0.2,
        }
    }
}

impl AlignmentConfig {
    /// Whether an alignment can work with these settings.
    ///
    /// # Errors
    /// Names the first key that cannot be, its value and what is allowed.
    pub fn validate(&self) -> Result<(), RewardError> {
        let refuse = |key, got: String, allowed: &str| {
            let allowed = allowed.into();
            Err(RewardError::Config { key, got, allowed })
        };
        for (key, value) in [
            ("reward.learner.alignment.embedding", self.embedding),
            ("reward.learner.alignment.epochs", self.epochs),
            ("reward.learner.alignment.batch", self.batch),
        ] {
            if value == 0 {
                return refuse(key, "0".into(), "1 or more");
            }
        }
        if self.idle_epochs >= self.epochs {
            return refuse(
                "reward.learner.alignment.idle_epochs",
                self.idle_epochs.to_string(),
                "fewer than reward.learner.alignment.epochs",
            );
        }
        for (key, value) in [
            ("reward.learner.alignment.learning_rate", self.learning_rate),
            ("reward.learner.alignment.temperature", self.temperature),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return refuse(key, value.to_string(), "more than 0");
            }
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            let got = self.weight_decay.to_string();
            return refuse("reward.learner.alignment.weight_decay", got, "0 or more");
        }
        if !(0.0..1.0).contains(&self.validation_share) {
            let got = self.validation_share.to_string();
            return refuse(
                "reward.learner.alignment.validation_share",
                got,
                "0 to less than 1",
            );
        }
        self.optimal_transport
            .validate()
            .map_err(|error| match error {
                OptimalTransportError::Config { key, got, allowed } => RewardError::Config {
                    key: match key {
                        "epsilon" => "reward.learner.alignment.optimal_transport.epsilon",
                        "iterations" => "reward.learner.alignment.optimal_transport.iterations",
                        _ => "reward.learner.alignment.optimal_transport.tolerance",
                    },
                    got,
                    allowed: allowed.into(),
                },
                other => other.into(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_work_are_named() {
        type Change = fn(&mut AlignmentConfig);
        let changes: [(Change, &str); 7] = [
            (
                |c| c.embedding = 0,
                "reward.learner.alignment.embedding is 0,",
            ),
            (|c| c.batch = 0, "reward.learner.alignment.batch is 0,"),
            (
                |c| c.idle_epochs = 40,
                "reward.learner.alignment.idle_epochs is 40,",
            ),
            (
                |c| c.learning_rate = f64::NAN,
                "reward.learner.alignment.learning_rate is NaN,",
            ),
            (
                |c| c.temperature = 0.0,
                "reward.learner.alignment.temperature is 0,",
            ),
            (
                |c| c.validation_share = 1.0,
                "reward.learner.alignment.validation_share is 1, allowed: 0 to less than 1",
            ),
            (
                |c| c.optimal_transport.epsilon = -1.0,
                "reward.learner.alignment.optimal_transport.epsilon is -1,",
            ),
        ];
        assert!(AlignmentConfig::default().validate().is_ok());
        for (change, wanted) in changes {
            let mut config = AlignmentConfig::default();
            change(&mut config);
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
