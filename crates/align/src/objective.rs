//! What an objective of alignment is.

use crate::{AlignError, Batch};
use burn::tensor::Tensor;
use std::fmt::Debug;
use std::ops::BitOr;

/// What the loop must draw and compute for an objective; what none needs is neither drawn nor computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Winners set against losers.
    pub pairs: bool,
    /// Winners; those of the pairs, where these are needed too.
    pub winners: bool,
    /// Rollouts drawn whatever their reward, with their rewards.
    pub samples: bool,
    /// Rankings of several rollouts each.
    pub rankings: bool,
    /// The reference's errors and predictions beside the policy's.
    pub reference: bool,
}

impl BitOr for Needs {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            pairs: self.pairs || other.pairs,
            winners: self.winners || other.winners,
            samples: self.samples || other.samples,
            rankings: self.rankings || other.rankings,
            reference: self.reference || other.reference,
        }
    }
}

/// An objective's loss in one step.
#[derive(Debug)]
pub struct ObjectiveLoss {
    /// The scalar to descend, before its weight.
    pub loss: Tensor<1>,
    /// Share of pairs (or samples) that the policy already puts on the right side of the reference, where the objective
    /// knows one.
    pub implicit_accuracy: Option<f32>,
}

/// The settings of an objective, as the registry ([`Objective`](crate::Objective)) holds them. A policy is aligned by a
/// weighted sum of objectives.
pub trait AlignmentObjective: Debug + Send + Sync {
    /// What its loss is multiplied by; 0 leaves it out.
    fn weight(&self) -> f64;

    /// Whether it can work with these settings.
    ///
    /// # Errors
    /// Names the first key that cannot be (`align.objectives.OBJECTIVE.SETTING`), its value and what is allowed.
    fn validate(&self) -> Result<(), AlignError>;

    /// What it must be given.
    fn needs(&self) -> Needs;

    /// Its loss. It depends on the rows, not on their order, and is finite for any finite errors and rewards.
    ///
    /// # Errors
    /// When it uses what it did not declare in its needs.
    fn loss(&self, batch: &Batch) -> Result<ObjectiveLoss, AlignError>;

    /// The loss where the policy is the reference: one number whatever is drawn. `None` where it depends on the errors
    /// or rewards that are drawn.
    fn loss_at_reference(&self) -> Option<f64>;

    /// Numbers for the report, by name, with chunks of `chunk_numbers` numbers.
    fn facts(&self, _chunk_numbers: usize) -> Vec<(&'static str, f64)> {
        Vec::new()
    }
}
