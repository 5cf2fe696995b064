//! Imitation of the winners, held to the reference (SuperHF, Mukobi et al. 2023, arXiv 2310.16763).

use crate::error::not_negative;
use crate::objective::{AlignmentObjective, Needs, ObjectiveLoss};
use crate::{AlignError, Batch};
use serde::{Deserialize, Serialize};

/// `mean m_w + prior * mean d`: the loss of training on winners, and the mean squared distance `d` of the policy's
/// predictions from the reference's on rollouts of any reward, which for a diffusion policy stands for the divergence
/// of the paper (section 3.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilteredImitation {
    /// What the loss is multiplied by; 0 leaves it out.
    pub weight: f64,
    /// What the distance from the reference weighs beside an error of the same size; 0 for imitation alone.
    pub prior: f64,
}

impl Default for FilteredImitation {
    fn default() -> Self {
        Self {
            weight: 50.0,
            prior: 0.25,
        }
    }
}

impl AlignmentObjective for FilteredImitation {
    fn weight(&self) -> f64 {
        self.weight
    }

    fn validate(&self) -> Result<(), AlignError> {
        not_negative("filtered_imitation", "weight", self.weight)?;
        not_negative("filtered_imitation", "prior", self.prior)
    }

    fn needs(&self) -> Needs {
        Needs {
            winners: true,
            samples: true,
            reference: true,
            ..Needs::default()
        }
    }

    fn loss(&self, batch: &Batch) -> Result<ObjectiveLoss, AlignError> {
        let prior = batch.samples()?.departure()?.mean().mul_scalar(self.prior);
        Ok(ObjectiveLoss {
            loss: batch.winners()?.policy().mean() + prior,
            implicit_accuracy: None,
        })
    }

    fn loss_at_reference(&self) -> Option<f64> {
        None
    }
}
