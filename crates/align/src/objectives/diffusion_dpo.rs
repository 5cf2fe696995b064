//! The diffusion-DPO loss over trajectories (Wallace et al. 2023, arXiv 2311.12908).

use crate::error::{not_negative, positive};
use crate::objective::{AlignmentObjective, Needs, ObjectiveLoss};
use crate::{AlignError, Batch};
use burn::tensor::activation::log_sigmoid;
use serde::{Deserialize, Serialize};

/// `-log sigmoid(-beta / 2 [mean_k (m_w - f_w) - mean_k (m_l - f_l)])`, where `m` are the policy's and `f` the
/// reference's mean squared noise errors of chunk k, [pairs, chunks] each, with the same noise and diffusion step for
/// winner and loser (arXiv 2311.12908, eq. 14; each chunk conditioned on its own observation).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiffusionDpo {
    /// What the loss is multiplied by; 0 leaves it out.
    pub weight: f64,
    /// Strength of the preference for each number of a chunk. The loss averages squared errors over
    /// the D = horizon x action numbers of a chunk, so its beta is this times D; 0.3 is what the
    /// released Stable Diffusion setting (beta 5000 over 16384 numbers) comes to.
    pub beta_per_number: f64,
}

impl Default for DiffusionDpo {
    fn default() -> Self {
        Self {
            weight: 1.0,
            beta_per_number: 1.0,
        }
    }
}

impl DiffusionDpo {
    fn beta(&self, chunk_numbers: usize) -> f64 {
        self.beta_per_number * chunk_numbers as f64
    }
}

impl AlignmentObjective for DiffusionDpo {
    fn weight(&self) -> f64 {
        self.weight
    }

    fn validate(&self) -> Result<(), AlignError> {
        not_negative("diffusion_dpo", "weight", self.weight)?;
        positive("diffusion_dpo", "beta_per_number", self.beta_per_number)
    }

    fn needs(&self) -> Needs {
        Needs {
            pairs: true,
            reference: true,
            ..Needs::default()
        }
    }

    fn loss(&self, batch: &Batch) -> Result<ObjectiveLoss, AlignError> {
        let (winners, losers) = batch.pairs()?;
        let difference = winners.beyond_reference()? - losers.beyond_reference()?;
        let beta = self.beta(batch.chunk_numbers());
        let inside = difference.mean_dim(1).mul_scalar(-0.5 * beta);
        let ordered = inside.clone().greater_elem(0.0).float().mean();
        Ok(ObjectiveLoss {
            loss: log_sigmoid(inside).neg().mean(),
            implicit_accuracy: Some(ordered.into_scalar()),
        })
    }

    fn loss_at_reference(&self) -> Option<f64> {
        Some(std::f64::consts::LN_2)
    }

    fn facts(&self, chunk_numbers: usize) -> Vec<(&'static str, f64)> {
        vec![("beta", self.beta(chunk_numbers))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Errors;
    use burn::tensor::{Device, Tensor, TensorData};

    fn errors(policy: [f32; 4], reference: [f32; 4]) -> Errors {
        let tensor = |values: [f32; 4]| {
            Tensor::from_data(TensorData::new(values.to_vec(), [2, 2]), &Device::flex())
        };
        Errors::new(tensor(policy), Some(tensor(reference)), vec![0.0; 2])
    }

    fn loss(winners: [f32; 4], losers: [f32; 4], reference: [f32; 4]) -> (f32, f32) {
        let batch =
            Batch::new(10).with_pairs(errors(winners, reference), errors(losers, reference));
        let loss = DiffusionDpo::default().loss(&batch).unwrap();
        (loss.loss.into_scalar(), loss.implicit_accuracy.unwrap())
    }

    #[test]
    fn at_the_reference_nothing_is_ordered() {
        let e = [0.1, 0.2, 0.3, 0.4];
        let (loss, accuracy) = loss(e, e, e);
        assert!((loss - std::f32::consts::LN_2).abs() < 1e-6);
        assert_eq!(accuracy, 0.0);
    }

    #[test]
    fn fitting_winners_better_and_losers_worse_lowers_it() {
        // inside = -0.5 * 10 * (-0.1 - 0.1) = 1, -log sigmoid(1) = 0.3132617
        let (loss, accuracy) = loss([0.1; 4], [0.3; 4], [0.2; 4]);
        assert!((loss - 0.313_261_7).abs() < 1e-5);
        assert_eq!(accuracy, 1.0);
    }
}
