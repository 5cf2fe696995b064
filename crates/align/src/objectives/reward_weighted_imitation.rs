//! Imitation of all rollouts, the more the higher their reward (reward-weighted regression, Peters and Schaal 2007; for
//! flows, Liu et al. 2025, arXiv 2501.13918, section 4.2).

use crate::error::{not_negative, positive};
use crate::objective::{AlignmentObjective, Needs, ObjectiveLoss};
use crate::{AlignError, Batch};
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// `sum_i w_i m_i`, `w` the softmax over the rows of a step of reward / temperature, so that weights add up to 1 and no
/// reward, however large, makes the loss so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RewardWeightedImitation {
    /// What the loss is multiplied by; 0 leaves it out.
    pub weight: f64,
    /// Reward, in standard deviations of all rollouts', by which a rollout weighs e times more.
    pub temperature: f64,
}

impl Default for RewardWeightedImitation {
    fn default() -> Self {
        Self {
            weight: 50.0,
            temperature: 0.3,
        }
    }
}

impl AlignmentObjective for RewardWeightedImitation {
    fn weight(&self) -> f64 {
        self.weight
    }

    fn validate(&self) -> Result<(), AlignError> {
        not_negative("reward_weighted_imitation", "weight", self.weight)?;
        positive("reward_weighted_imitation", "temperature", self.temperature)
    }

    fn needs(&self) -> Needs {
        Needs {
            samples: true,
            ..Needs::default()
        }
    }

    fn loss(&self, batch: &Batch) -> Result<ObjectiveLoss, AlignError> {
        let samples = batch.samples()?;
        let best = (samples.rewards.iter()).fold(f64::NEG_INFINITY, |best, &r| best.max(r));
        let weigh = |reward: &f64| ((reward - best) / self.temperature).exp();
        let weights: Vec<f64> = samples.rewards.iter().map(weigh).collect();
        let sum: f64 = weights.iter().sum();
        let weights: Vec<f32> = weights.iter().map(|w| (w / sum) as f32).collect();
        let errors = samples.policy().mean_dim(1);
        let rows = weights.len();
        let weights = TensorData::new(weights, [rows, 1]);
        let weights = Tensor::<2>::from_data(weights, &errors.device());
        Ok(ObjectiveLoss {
            loss: (errors * weights).sum(),
            implicit_accuracy: None,
        })
    }

    fn loss_at_reference(&self) -> Option<f64> {
        None
    }
}
