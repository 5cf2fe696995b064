//! What an objective's loss is computed from.

use crate::AlignError;
use burn::tensor::Tensor;

/// Noise-prediction errors of some rollouts' chunks.
#[derive(Clone, Debug)]
pub struct Errors {
    /// The policy's mean squared errors [rows, chunks], weighted as in training; they carry gradients. A row is what is
    /// compared: some chunks of a rollout.
    pub policy: Tensor<2>,
    /// The reference's at the same chunks, noise and diffusion steps, without gradients.
    reference: Option<Tensor<2>>,
    /// Reward of each row's rollout, in standard deviations from the mean of all rollouts.
    pub rewards: Vec<f64>,
}

impl Errors {
    /// Errors, and the reference's if they were computed.
    #[must_use]
    pub fn new(policy: Tensor<2>, reference: Option<Tensor<2>>, rewards: Vec<f64>) -> Self {
        Self {
            policy,
            reference,
            rewards,
        }
    }

    /// The policy's errors less the reference's, [rows, chunks]. Up to a factor, minus the logarithm of how much more
    /// likely the policy makes the chunks than the reference (arXiv 2311.12908, eq. 14).
    ///
    /// # Errors
    /// When the reference's were not declared in the objective's needs.
    pub fn beyond_reference(&self) -> Result<Tensor<2>, AlignError> {
        let reference = self.reference.clone();
        let reference = reference.ok_or(AlignError::NotDeclared("the reference's errors"))?;
        Ok(self.policy.clone() - reference)
    }
}

/// One step's draws: those that some objective needs.
#[derive(Clone, Debug)]
pub struct Batch {
    winners: Option<Errors>,
    losers: Option<Errors>,
    samples: Option<Errors>,
    chunk_numbers: usize,
}

impl Batch {
    /// An empty batch of chunks of `chunk_numbers` (horizon x action) numbers.
    #[must_use]
    pub fn new(chunk_numbers: usize) -> Self {
        Self {
            winners: None,
            losers: None,
            samples: None,
            chunk_numbers,
        }
    }

    /// It with winners and losers, row against row, which share noise and diffusion steps.
    #[must_use]
    pub fn with_pairs(mut self, winners: Errors, losers: Errors) -> Self {
        self.winners = Some(winners);
        self.losers = Some(losers);
        self
    }

    /// It with winners alone.
    #[must_use]
    pub fn with_winners(mut self, winners: Errors) -> Self {
        self.winners = Some(winners);
        self
    }

    /// It with rollouts drawn whatever their reward.
    #[must_use]
    pub fn with_samples(mut self, samples: Errors) -> Self {
        self.samples = Some(samples);
        self
    }

    /// Numbers of a chunk, horizon x action: errors are means over as many.
    #[must_use]
    pub fn chunk_numbers(&self) -> usize {
        self.chunk_numbers
    }

    /// Winners and losers, row against row.
    ///
    /// # Errors
    /// When pairs were not declared in the objective's needs.
    pub fn pairs(&self) -> Result<(&Errors, &Errors), AlignError> {
        let both = self.winners.as_ref().zip(self.losers.as_ref());
        both.ok_or(AlignError::NotDeclared("the pairs"))
    }

    /// The winners.
    ///
    /// # Errors
    /// When neither pairs nor winners were declared in the objective's needs.
    pub fn winners(&self) -> Result<&Errors, AlignError> {
        let winners = self.winners.as_ref();
        winners.ok_or(AlignError::NotDeclared("the winners"))
    }

    /// Rollouts drawn whatever their reward.
    ///
    /// # Errors
    /// When samples were not declared in the objective's needs.
    pub fn samples(&self) -> Result<&Errors, AlignError> {
        let samples = self.samples.as_ref();
        samples.ok_or(AlignError::NotDeclared("the samples"))
    }
}
