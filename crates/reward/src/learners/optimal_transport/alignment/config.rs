//! Settings of the alignment.

use super::bradley_terry::{BradleyTerryLoss, Reduction, Ties};
use crate::EncoderError;
use apprentice_optimal_transport::{Metric, SinkhornConfig, TransportError};
use serde::{Deserialize, Serialize};

/// Settings of the alignment. "Author" is the public code of RAPL's first author
/// (github.com/thomasrantian/mvp); defaults are what suits clips of 16 moments and 20 rankings.
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
    /// the batch statistics of the backbone's own normalisation drift to the task's pictures instead).
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
    /// Transport between videos (author: epsilon 1, 1000 iterations, tolerance 1e-6).
    pub transport: SinkhornConfig,
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
            transport: SinkhornConfig {
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
    pub fn validate(&self) -> Result<(), EncoderError> {
        let refuse = |key, got: String, allowed| Err(EncoderError::Config { key, got, allowed });
        for (key, value) in [
            ("encoder.alignment.embedding", self.embedding),
            ("encoder.alignment.epochs", self.epochs),
            ("encoder.alignment.batch", self.batch),
        ] {
            if value == 0 {
                return refuse(key, "0".into(), "1 or more");
            }
        }
        if self.idle_epochs >= self.epochs {
            return refuse(
                "encoder.alignment.idle_epochs",
                self.idle_epochs.to_string(),
                "fewer than encoder.alignment.epochs",
            );
        }
        for (key, value) in [
            ("encoder.alignment.learning_rate", self.learning_rate),
            ("encoder.alignment.temperature", self.temperature),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return refuse(key, value.to_string(), "more than 0");
            }
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            let got = self.weight_decay.to_string();
            return refuse("encoder.alignment.weight_decay", got, "0 or more");
        }
        if !(0.0..1.0).contains(&self.validation_share) {
            let got = self.validation_share.to_string();
            return refuse(
                "encoder.alignment.validation_share",
                got,
                "0 to less than 1",
            );
        }
        self.transport.validate().map_err(|error| match error {
            TransportError::Config { key, got, allowed } => EncoderError::Config {
                key: match key {
                    "epsilon" => "encoder.alignment.transport.epsilon",
                    "iterations" => "encoder.alignment.transport.iterations",
                    _ => "encoder.alignment.transport.tolerance",
                },
                got,
                allowed,
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
            (|c| c.embedding = 0, "encoder.alignment.embedding is 0,"),
            (|c| c.batch = 0, "encoder.alignment.batch is 0,"),
            (
                |c| c.idle_epochs = 40,
                "encoder.alignment.idle_epochs is 40,",
            ),
            (
                |c| c.learning_rate = f64::NAN,
                "encoder.alignment.learning_rate is NaN,",
            ),
            (
                |c| c.temperature = 0.0,
                "encoder.alignment.temperature is 0,",
            ),
            (
                |c| c.validation_share = 1.0,
                "encoder.alignment.validation_share is 1, allowed: 0 to less than 1",
            ),
            (
                |c| c.transport.epsilon = -1.0,
                "encoder.alignment.transport.epsilon is -1,",
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
