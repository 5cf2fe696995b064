//! Which objective the policy follows: how long the gradient of each is.

use crate::{AlignConfig, AlignError, Batch};
use apprentice_nn::gradient_norm;
use apprentice_policy::{PolicyError, PolicyNetwork};
use burn::optim::GradientsParams;
use serde::{Deserialize, Serialize};

/// Times at which gradients are measured in an alignment: each costs a forward and backward pass an objective.
const TIMES: usize = 8;

/// What an objective contributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveTerm {
    /// Its name.
    pub name: String,
    /// Length of its weighted gradient over the sum of the lengths of all objectives', 0 to 1.
    pub gradient_share: f64,
}

/// Lengths of the objectives' gradients, measured along the way.
#[derive(Default)]
pub(crate) struct GradientShares {
    /// Sum of each objective's shares.
    shares: Vec<f64>,
    times: usize,
}

impl GradientShares {
    /// Whether to measure in this step.
    pub fn is_due(&self, step: usize, config: &AlignConfig) -> bool {
        // One objective has the whole gradient.
        config.objectives.used().nth(1).is_some()
            && step.is_multiple_of((config.steps / TIMES).max(1))
    }

    /// Measures, each objective on a batch of its own with the same draws: a backward pass uses its graph up.
    pub fn measure(
        &mut self,
        config: &AlignConfig,
        network: &PolicyNetwork,
        draw: impl Fn() -> Result<Batch, PolicyError>,
    ) -> Result<(), AlignError> {
        let mut lengths = Vec::new();
        for objective in config.objectives.used() {
            let loss = objective.loss(&draw()?)?.loss;
            let loss = loss.mul_scalar(objective.weight());
            let gradients = GradientsParams::from_grads(loss.backward(), network);
            lengths.push(gradient_norm(network, &gradients));
        }
        let sum: f64 = lengths.iter().sum();
        if sum > 0.0 && sum.is_finite() {
            self.shares.resize(lengths.len(), 0.0);
            let each = self.shares.iter_mut().zip(lengths);
            each.for_each(|(share, length)| *share += length / sum);
            self.times += 1;
        }
        Ok(())
    }

    /// The mean share of each objective, in the order of the registry.
    pub fn terms(&self, config: &AlignConfig) -> Vec<ObjectiveTerm> {
        let only = config.objectives.used().nth(1).is_none();
        let share = |place: usize| match self.shares.get(place) {
            Some(sum) => sum / self.times as f64,
            None if only => 1.0,
            None => 0.0,
        };
        let names = config.objectives.names();
        let term = |(place, name): (usize, &str)| ObjectiveTerm {
            name: name.to_owned(),
            gradient_share: share(place),
        };
        names.enumerate().map(term).collect()
    }
}
