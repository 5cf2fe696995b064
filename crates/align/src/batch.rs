//! What an objective's loss is computed from.

use crate::AlignError;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// What the diffusion steps of a chunk weigh in an objective.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepWeights {
    /// Every diffusion step's error of the predicted noise alike, as diffusion-DPO has it (arXiv 2311.12908, eq. 14
    /// with its weights left out). The noisiest steps, where modes are decided, hardly count: there the noise is
    /// plain to see.
    Noise,
    /// As in training (`align.max_loss_weight`): about every step's error of the predicted velocity alike.
    #[default]
    AsInTraining,
}

/// Prediction errors of some rollouts' chunks. A row is what is compared: some chunks of a rollout.
#[derive(Clone, Debug)]
pub struct Errors {
    /// The policy's mean squared errors of the predicted noise, [rows, chunks]; they carry gradients.
    policy: Tensor<2>,
    /// The reference's at the same chunks, noise and diffusion steps, without gradients.
    reference: Option<Tensor<2>>,
    /// Mean squared distance of the policy's prediction from the reference's, with gradients.
    departure: Option<Tensor<2>>,
    /// What the errors' diffusion steps weigh in training, [rows, chunks].
    weights: Tensor<2>,
    /// Reward of each row's rollout, in standard deviations from the mean of all rollouts.
    pub rewards: Vec<f64>,
}

impl Errors {
    /// Errors of the predicted noise, what their steps weigh in training, and the reward of each row.
    #[must_use]
    pub fn new(policy: Tensor<2>, weights: Tensor<2>, rewards: Vec<f64>) -> Self {
        Self {
            policy,
            reference: None,
            departure: None,
            weights,
            rewards,
        }
    }

    /// They with the reference's errors at the same chunks, and the mean squared distance of both predictions.
    #[must_use]
    pub fn with_reference(mut self, errors: Tensor<2>, departure: Tensor<2>) -> Self {
        self.reference = Some(errors);
        self.departure = Some(departure);
        self
    }

    fn weigh(&self, errors: Tensor<2>, weights: StepWeights) -> Tensor<2> {
        match weights {
            StepWeights::Noise => errors,
            StepWeights::AsInTraining => errors * self.weights.clone(),
        }
    }

    /// The policy's errors, weighted as in training, [rows, chunks].
    #[must_use]
    pub fn policy(&self) -> Tensor<2> {
        self.weigh(self.policy.clone(), StepWeights::AsInTraining)
    }

    /// The policy's errors less the reference's, [rows, chunks]. Up to a factor, minus the logarithm of how much more
    /// likely the policy makes the chunks than the reference (arXiv 2311.12908, eq. 14).
    ///
    /// # Errors
    /// When the reference's were not declared in the objective's needs.
    pub fn beyond_reference(&self, weights: StepWeights) -> Result<Tensor<2>, AlignError> {
        let reference = self.reference.clone();
        let reference = reference.ok_or(AlignError::NotDeclared("the reference's errors"))?;
        Ok(self.weigh(self.policy.clone() - reference, weights))
    }

    /// How far the policy's predictions are from the reference's, mean squared, weighted as in training, [rows, chunks]:
    /// up to a factor, the divergence of their sampling paths (arXiv 2311.12908, section 4).
    ///
    /// # Errors
    /// When the reference's were not declared in the objective's needs.
    pub fn departure(&self) -> Result<Tensor<2>, AlignError> {
        let departure = self.departure.clone();
        let departure = departure.ok_or(AlignError::NotDeclared("the reference's predictions"))?;
        Ok(self.weigh(departure, StepWeights::AsInTraining))
    }
}

/// One step's draws: those that some objective needs.
#[derive(Clone, Debug)]
pub struct Batch {
    winners: Option<Errors>,
    losers: Option<Errors>,
    samples: Option<Errors>,
    /// Places of rankings, the best first: row r of each is of ranking r.
    rankings: Vec<Errors>,
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
            rankings: Vec::new(),
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

    /// It with rankings: for each place, the best first, the rollouts that stand there, row against row; they share
    /// noise and diffusion steps.
    #[must_use]
    pub fn with_rankings(mut self, places: Vec<Errors>) -> Self {
        self.rankings = places;
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

    /// Rankings: for each place, the best first, the rollouts that stand there.
    ///
    /// # Errors
    /// When rankings were not declared in the objective's needs.
    pub fn rankings(&self) -> Result<&[Errors], AlignError> {
        match &self.rankings[..] {
            [] => Err(AlignError::NotDeclared("the rankings")),
            places => Ok(places),
        }
    }
}
