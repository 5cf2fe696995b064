//! Settings of the alignment.

use serde::{Deserialize, Serialize};

/// How a policy is aligned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlignConfig {
    /// Optimiser steps.
    pub steps: usize,
    /// Pairs a step.
    pub pairs: usize,
    /// Chunks drawn from each trajectory of a pair.
    pub chunks: usize,
    /// Strength of the preference for each number of a chunk. The loss averages squared errors over
    /// the D = horizon x action numbers of a chunk, so its beta is this times D; 0.3 is what the
    /// released Stable Diffusion setting (beta 5000 over 16384 numbers) comes to.
    pub beta_per_number: f64,
    /// Weight of imitating the winners beside preferring them (Kim et al. 2024, arXiv 2409.05622,
    /// find that this keeps the task when preference alone loses it).
    pub winner_imitation: f64,
    /// Peak learning rate of AdamW.
    pub learning_rate: f64,
    /// Steps over which the learning rate rises to its peak, before it falls as a cosine.
    pub warmup_steps: usize,
    /// Largest length of the whole gradient.
    pub clip_norm: f32,
    /// Pairs are made only of rollouts whose rewards differ by at least this many standard
    /// deviations.
    pub smallest_gap: f64,
    /// Errors at diffusion step t are weighted by `1 / alpha_bar[t]` up to this, as in training: with 1,
    /// the plain loss, the noisiest steps, which decide what the arm goes for, fall behind.
    pub largest_weight: f64,
    /// Share of all episodes, the best by reward, that may win a pair, above 0 to 1.
    pub winners: f64,
    /// Whether demonstrations, scored by the same reward, take part beside rollouts.
    pub demonstrations: bool,
    /// Every how many ticks of a rollout a chunk may start.
    pub tick_stride: usize,
    /// Drift at which alignment stops: mean squared change of the predicted noise, whose own
    /// variance is 1.
    pub drift_budget: f64,
    /// Every how many steps the drift is measured.
    pub drift_every: usize,
}

impl Default for AlignConfig {
    fn default() -> Self {
        Self {
            steps: 600,
            pairs: 8,
            chunks: 4,
            beta_per_number: 1.0,
            winner_imitation: 3000.0,
            learning_rate: 1e-3,
            warmup_steps: 30,
            clip_norm: 1.0,
            smallest_gap: 0.5,
            largest_weight: 100.0,
            winners: 0.25,
            demonstrations: true,
            tick_stride: 2,
            drift_budget: 0.1,
            drift_every: 20,
        }
    }
}
