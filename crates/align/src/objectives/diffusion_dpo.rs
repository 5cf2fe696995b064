//! The diffusion-DPO loss over trajectories (Wallace et al. 2023, arXiv 2311.12908), with clipped ratios. Not to be used
//! alone: clipped, it kept the task on well-trained policies and gave it up on less trained ones; not clipped, on all.

use crate::error::{not_negative, positive};
use crate::objective::{AlignmentObjective, Needs, ObjectiveLoss};
use crate::{AlignError, Batch, Errors, StepWeights};
use burn::tensor::Tensor;
use burn::tensor::activation::log_sigmoid;
use serde::{Deserialize, Serialize};

/// `-log sigmoid(-beta / 2 [mean_k (m_w - f_w) - mean_k (m_l - f_l)])`, where `m` are the policy's and `f` the
/// reference's mean squared noise errors of chunk k, [pairs, chunks] each, with the same noise and diffusion step for
/// winner and loser (arXiv 2311.12908, eq. 14; each chunk conditioned on its own observation).
///
/// The loss only asks for a difference, and is satisfied as well where both errors grow, the loser's faster: then the
/// policy unlearns the task. `clip` helps against that, imitation beside it more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiffusionDpo {
    /// What the loss is multiplied by; 0 leaves it out.
    pub weight: f64,
    /// Strength of the preference for each number of a chunk. The loss averages squared errors over
    /// the D = horizon x action numbers of a chunk, so its beta is this times D; 0.3 is what the
    /// released Stable Diffusion setting (beta 5000 over 16384 numbers) comes to.
    pub beta_per_number: f64,
    /// What diffusion steps weigh within the sigmoid.
    pub step_weights: StepWeights,
    /// Largest logarithm, either way, of how much more likely than the reference the policy makes a chunk; beyond it the
    /// chunk pulls no more (as the clipped ratios of D3PO, Yang et al. 2023, arXiv 2311.13231). 0 for no limit.
    pub clip: f64,
}

impl Default for DiffusionDpo {
    fn default() -> Self {
        Self {
            weight: 1.0,
            beta_per_number: 1.0,
            step_weights: StepWeights::default(),
            clip: 1.0,
        }
    }
}

impl DiffusionDpo {
    fn beta(&self, chunk_numbers: usize) -> f64 {
        self.beta_per_number * chunk_numbers as f64
    }

    /// Minus the logarithm of how much more likely than the reference the policy makes each row, `[rows]`.
    fn unlikelier(&self, errors: &Errors, beta: f64) -> Result<Tensor<1>, AlignError> {
        let chunks = errors.beyond_reference(self.step_weights)?;
        let chunks = chunks.mul_scalar(0.5 * beta);
        let chunks = match self.clip > 0.0 {
            true => chunks.clamp(-self.clip, self.clip),
            false => chunks,
        };
        Ok(chunks.mean_dim(1).flatten(0, 1))
    }
}

impl AlignmentObjective for DiffusionDpo {
    fn weight(&self) -> f64 {
        self.weight
    }

    fn validate(&self) -> Result<(), AlignError> {
        not_negative("diffusion_dpo", "weight", self.weight)?;
        not_negative("diffusion_dpo", "clip", self.clip)?;
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
        let beta = self.beta(batch.chunk_numbers());
        let (won, lost) = (
            self.unlikelier(winners, beta)?,
            self.unlikelier(losers, beta)?,
        );
        let inside = lost - won;
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
    use burn::tensor::{Device, TensorData};

    fn tensor(values: [f32; 4]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), [2, 2]), &Device::flex())
    }

    fn errors(policy: [f32; 4], reference: [f32; 4]) -> Errors {
        let errors = Errors::new(tensor(policy), tensor([1.0; 4]), vec![0.0; 2]);
        errors.with_reference(tensor(reference), tensor([0.1; 4]))
    }

    fn loss_of(dpo: &DiffusionDpo, winners: [f32; 4], losers: [f32; 4]) -> (f32, f32) {
        let reference = [0.2; 4];
        let batch =
            Batch::new(10).with_pairs(errors(winners, reference), errors(losers, reference));
        let loss = dpo.loss(&batch).unwrap();
        (loss.loss.into_scalar(), loss.implicit_accuracy.unwrap())
    }

    #[test]
    fn at_the_reference_nothing_is_ordered() {
        let (loss, accuracy) = loss_of(&DiffusionDpo::default(), [0.2; 4], [0.2; 4]);
        assert!((loss - std::f32::consts::LN_2).abs() < 1e-6);
        assert_eq!(accuracy, 0.0);
    }

    #[test]
    fn fitting_winners_better_and_losers_worse_lowers_it() {
        // Just at the clip: inside = -0.5 * 10 * (-0.1 - 0.1) = 1, -log sigmoid(1) = 0.3132617
        let (loss, accuracy) = loss_of(&DiffusionDpo::default(), [0.1; 4], [0.3; 4]);
        assert!((loss - 0.313_261_7).abs() < 1e-5);
        assert_eq!(accuracy, 1.0);
    }

    #[test]
    fn beyond_the_clip_nothing_pulls() {
        let clipped = DiffusionDpo {
            clip: 0.5,
            ..DiffusionDpo::default()
        };
        // 5 * 0.4 is held at 0.5; 5 * -0.1 is just there.
        let (loss, _) = loss_of(&clipped, [0.1; 4], [0.6; 4]);
        assert!((loss - (1.0 + (-1.0f32).exp()).ln()).abs() < 1e-5, "{loss}");
        assert!((loss_of(&clipped, [0.1; 4], [0.9; 4]).0 - loss).abs() < 1e-6);
    }
}
