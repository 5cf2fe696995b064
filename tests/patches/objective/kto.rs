//! KTO: each sample against a reference point, without pairs (Ethayarajh et al. 2024, arXiv 2402.01306), with the
//! implicit reward of diffusion-DPO.

use crate::error::{not_negative, positive};
use crate::objective::{AlignmentObjective, Needs, ObjectiveLoss};
use crate::{AlignError, Batch, StepWeights};
use burn::tensor::activation::sigmoid;
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// `mean 1 - sigmoid(y (g - z))`, where `g = -beta / 2 mean_k (m - f)` is the implicit reward of a sample, `y` is 1 for
/// rewards above the mean and -1 for others, and the reference point `z` is the mean of `g` where that is positive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kto {
    /// What the loss is multiplied by; 0 leaves it out.
    pub weight: f64,
    /// Strength of the preference for each number of a chunk.
    pub beta_per_number: f64,
}

impl Default for Kto {
    fn default() -> Self {
        Self {
            weight: 1.0,
            beta_per_number: 1.0,
        }
    }
}

impl AlignmentObjective for Kto {
    fn weight(&self) -> f64 {
        self.weight
    }

    fn validate(&self) -> Result<(), AlignError> {
        not_negative("kto", "weight", self.weight)?;
        positive("kto", "beta_per_number", self.beta_per_number)
    }

    fn needs(&self) -> Needs {
        Needs {
            samples: true,
            reference: true,
            ..Needs::default()
        }
    }

    fn loss(&self, batch: &Batch) -> Result<ObjectiveLoss, AlignError> {
        let samples = batch.samples()?;
        let beta = self.beta_per_number * batch.chunk_numbers() as f64;
        let gain = samples
            .beyond_reference(StepWeights::default())?
            .mean_dim(1)
            .mul_scalar(-0.5 * beta);
        let sign = |r: &f64| if *r > 0.0 { 1.0f32 } else { -1.0 };
        let signs: Vec<f32> = samples.rewards.iter().map(sign).collect();
        let signs = TensorData::new(signs, [samples.rewards.len(), 1]);
        let signs = Tensor::<2>::from_data(signs, &gain.device());
        // The reference point is taken as it is: no gradient goes through it.
        let point = gain.clone().detach().mean().clamp_min(0.0).reshape([1, 1]);
        let inside = (gain - point) * signs;
        let right = inside.clone().greater_elem(0.0).float().mean();
        Ok(ObjectiveLoss {
            loss: (sigmoid(inside).neg().add_scalar(1.0)).mean(),
            implicit_accuracy: Some(right.into_scalar()),
        })
    }

    fn loss_at_reference(&self) -> Option<f64> {
        Some(0.5)
    }
}
