//! Whole rankings at once (PRO, Song et al. 2023, arXiv 2306.17492, for diffusion policies).

use crate::error::{not_negative, positive};
use crate::objective::{AlignmentObjective, Needs, ObjectiveLoss};
use crate::{AlignError, Batch, StepWeights};
use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;
use serde::{Deserialize, Serialize};

/// `sum_k -log(exp s_k / sum_{i >= k} exp s_i) / (places - 1) + imitation * mean m_1`: the Plackett-Luce likelihood of
/// the rewards' order under scores `s = -beta / 2 mean (m - f)`, the logarithm of how much more likely than the
/// reference the policy makes a rollout, and imitation of the best (the paper's eq. 7 without its gaps; with two places
/// the first term is diffusion-DPO's loss).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RankingPreference {
    /// What the loss is multiplied by; 0 leaves it out.
    pub weight: f64,
    /// Strength of the preference for each number of a chunk, as that of diffusion-DPO.
    pub beta_per_number: f64,
    /// What diffusion steps weigh in the scores.
    pub step_weights: StepWeights,
    /// What imitation of the best of each ranking weighs.
    pub imitation: f64,
}

impl Default for RankingPreference {
    fn default() -> Self {
        Self {
            weight: 1.0,
            beta_per_number: 1.0,
            step_weights: StepWeights::default(),
            imitation: 50.0,
        }
    }
}

impl AlignmentObjective for RankingPreference {
    fn weight(&self) -> f64 {
        self.weight
    }

    fn validate(&self) -> Result<(), AlignError> {
        not_negative("ranking_preference", "weight", self.weight)?;
        not_negative("ranking_preference", "imitation", self.imitation)?;
        positive(
            "ranking_preference",
            "beta_per_number",
            self.beta_per_number,
        )
    }

    fn needs(&self) -> Needs {
        Needs {
            rankings: true,
            reference: true,
            ..Needs::default()
        }
    }

    fn loss(&self, batch: &Batch) -> Result<ObjectiveLoss, AlignError> {
        let places = batch.rankings()?;
        let beta = self.beta_per_number * batch.chunk_numbers() as f64;
        let scores: Result<Vec<Tensor<2>>, AlignError> = (places.iter())
            .map(|place| {
                let beyond = place.beyond_reference(self.step_weights)?;
                Ok(beyond.mean_dim(1).mul_scalar(-0.5 * beta))
            })
            .collect();
        // [rankings, places], the best first.
        let scores = Tensor::cat(scores?, 1);
        let [rows, count] = scores.dims();
        let mut loss = scores.clone().sum().mul_scalar(0.0);
        for place in 0..count.saturating_sub(1) {
            let left = scores.clone().slice([0..rows, place..count]);
            let chosen = log_softmax(left, 1).slice([0..rows, 0..1]);
            loss = loss - chosen.mean();
        }
        let loss = loss.div_scalar(count.saturating_sub(1).max(1) as f64);
        let best = places.first().map(|best| best.policy().mean());
        let loss = match best {
            Some(best) if self.imitation > 0.0 => loss + best.mul_scalar(self.imitation),
            _ => loss,
        };
        let first = scores.clone().slice([0..rows, 0..1]);
        let last = scores.slice([0..rows, count - 1..count]);
        let ordered = first.greater(last).float().mean();
        Ok(ObjectiveLoss {
            loss,
            implicit_accuracy: Some(ordered.into_scalar()),
        })
    }

    fn loss_at_reference(&self) -> Option<f64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Errors;
    use burn::tensor::Device;

    /// A ranking of one chunk a place, whose scores come to these.
    fn loss(scores: &[f32]) -> f32 {
        let tensor = |value: f32| Tensor::<2>::from_floats([[value]], &Device::flex());
        let place = |score: &f32| {
            // Beta is 2 on chunks of two numbers at 1 a number, so a score is minus the error.
            let errors = Errors::new(tensor(1.0 - score), tensor(1.0), vec![0.0]);
            errors.with_reference(tensor(1.0), tensor(0.0))
        };
        let objective = RankingPreference {
            imitation: 0.0,
            ..RankingPreference::default()
        };
        let batch = Batch::new(2).with_rankings(scores.iter().map(place).collect());
        objective.loss(&batch).unwrap().loss.into_scalar()
    }

    #[test]
    fn the_likelihood_is_that_of_plackett_and_luce() {
        // Two places: -log sigmoid(0.5). Four, each choice among those left: 3.495252 over three choices.
        assert!((loss(&[0.3, -0.2]) - 0.474_077).abs() < 1e-5);
        assert!((loss(&[0.3, -0.2, 0.9, 0.1]) - 3.495_252 / 3.0).abs() < 1e-5);
    }
}
