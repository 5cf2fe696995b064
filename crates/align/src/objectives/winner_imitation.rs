//! Imitation of the winners beside preferring them (Kim et al. 2024, arXiv 2409.05622, find that this keeps the task
//! when preference alone loses it).

use crate::error::not_negative;
use crate::objective::{AlignmentObjective, Needs, ObjectiveLoss};
use crate::{AlignError, Batch};
use serde::{Deserialize, Serialize};

/// `mean m_w`: the loss of training, on winners.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WinnerImitation {
    /// What the loss is multiplied by; 0 leaves it out.
    pub weight: f64,
}

impl Default for WinnerImitation {
    fn default() -> Self {
        Self { weight: 50.0 }
    }
}

impl AlignmentObjective for WinnerImitation {
    fn weight(&self) -> f64 {
        self.weight
    }

    fn validate(&self) -> Result<(), AlignError> {
        not_negative("winner_imitation", "weight", self.weight)
    }

    fn needs(&self) -> Needs {
        Needs {
            winners: true,
            ..Needs::default()
        }
    }

    fn loss(&self, batch: &Batch) -> Result<ObjectiveLoss, AlignError> {
        Ok(ObjectiveLoss {
            loss: batch.winners()?.policy().mean(),
            implicit_accuracy: None,
        })
    }

    fn loss_at_reference(&self) -> Option<f64> {
        None
    }
}
