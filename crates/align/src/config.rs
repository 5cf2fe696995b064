//! Settings of the alignment.

use crate::{AlignError, ObjectiveSum};
use serde::{Deserialize, Serialize};

/// What of a winner is set against what of a loser. How RAPL itself did is not published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pairing {
    /// The mean over some chunks of the one against that of the other, each chunk conditioned on its own
    /// observation: the preference is of whole trajectories, which need not begin alike.
    #[default]
    Trajectory,
    /// One random chunk against another, `chunks` times a pair: what is expected of it is as above, but
    /// every chunk is a row of its own.
    RandomChunk,
    /// The first chunks only. Where rollouts begin alike (same scene and posture), winner and loser then
    /// answer the same observation, as the derivation of DPO has it (arXiv 2305.18290).
    FirstChunk,
}

/// How a policy is aligned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlignConfig {
    /// The policy that is aligned: `base`, `current` (the one the arm has now), or the file of one.
    pub start: String,
    /// Optimiser steps.
    pub steps: usize,
    /// Pairs a step. Objectives that need winners alone get as many, those that need samples twice as many.
    pub pairs: usize,
    /// Rollouts of a ranking, for objectives that need whole rankings; as many rankings a step as pairs.
    pub ranking_size: usize,
    /// What of a winner is set against what of a loser.
    pub pairing: Pairing,
    /// Chunks drawn from each trajectory of a pair.
    pub chunks: usize,
    /// Peak learning rate of AdamW.
    pub learning_rate: f64,
    /// Steps over which the learning rate rises to its peak, before it falls as a cosine.
    pub warmup_steps: usize,
    /// Largest length of the whole gradient.
    pub clip_norm: f32,
    /// Whether the policy is a running average of the optimiser's weights (decay `1 - (1 + step)^-0.75`,
    /// as in training), which also lags behind them; the drift is then the average's.
    pub average: bool,
    /// Pairs are made only of rollouts whose rewards differ by at least this many standard
    /// deviations.
    pub smallest_gap: f64,
    /// Errors at diffusion step t are weighted by `1 / alpha_bar[t]` up to this, as in training: with 1,
    /// the plain loss, the noisiest steps, which decide what the arm goes for, fall behind.
    #[serde(alias = "largest_weight")]
    pub max_loss_weight: f64,
    /// Share of all episodes, the best by reward, that may win a pair, above 0 to 1.
    pub winners: f64,
    /// Whether demonstrations, scored by the same reward, take part beside rollouts.
    pub demonstrations: bool,
    /// Every how many ticks of a rollout a chunk may start.
    pub tick_stride: usize,
    /// Drift at which alignment stops: mean squared change of the predicted velocity
    /// ([`Drift`](crate::Drift)), whose own variance is about 1.
    pub drift_budget: f64,
    /// Every how many steps the drift is measured.
    pub drift_every: usize,
    /// What is descended.
    pub objectives: ObjectiveSum,
}

impl Default for AlignConfig {
    fn default() -> Self {
        Self {
            start: "base".into(),
            steps: 600,
            pairs: 8,
            ranking_size: 4,
            pairing: Pairing::default(),
            chunks: 4,
            learning_rate: 1e-3,
            warmup_steps: 30,
            clip_norm: 1.0,
            average: false,
            smallest_gap: 0.5,
            max_loss_weight: 100.0,
            winners: 0.25,
            demonstrations: true,
            tick_stride: 2,
            drift_budget: 0.5,
            drift_every: 20,
            objectives: ObjectiveSum::default(),
        }
    }
}

impl AlignConfig {
    /// Whether an alignment can work with these settings.
    ///
    /// # Errors
    /// Names the first key that cannot be, its value and what is allowed.
    pub fn validate(&self) -> Result<(), AlignError> {
        let refuse = |key: &str, got: String, allowed| {
            let key = key.into();
            Err(AlignError::Config { key, got, allowed })
        };
        if self.start.trim().is_empty() {
            let allowed = "base, current, or the file of a policy";
            return refuse("align.start", "empty".into(), allowed);
        }
        for (key, value) in [
            ("align.steps", self.steps),
            ("align.pairs", self.pairs),
            ("align.ranking_size", self.ranking_size),
            ("align.chunks", self.chunks),
            ("align.tick_stride", self.tick_stride),
            ("align.drift_every", self.drift_every),
        ] {
            if value == 0 {
                return refuse(key, "0".into(), "1 or more");
            }
        }
        for (key, value) in [
            ("align.learning_rate", self.learning_rate),
            ("align.clip_norm", f64::from(self.clip_norm)),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return refuse(key, value.to_string(), "more than 0");
            }
        }
        if !(self.smallest_gap >= 0.0 && self.smallest_gap.is_finite()) {
            let got = self.smallest_gap.to_string();
            return refuse("align.smallest_gap", got, "0 or more");
        }
        if self.max_loss_weight.is_nan() || self.max_loss_weight < 1.0 {
            let got = self.max_loss_weight.to_string();
            return refuse("align.max_loss_weight", got, "1 or more");
        }
        if !(self.winners > 0.0 && self.winners <= 1.0) {
            return refuse(
                "align.winners",
                self.winners.to_string(),
                "above 0, up to 1",
            );
        }
        if self.drift_budget.is_nan() || self.drift_budget <= 0.0 {
            let got = self.drift_budget.to_string();
            return refuse("align.drift_budget", got, "more than 0 (1e9 for no budget)");
        }
        self.objectives.validate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_work_are_named() {
        type Change = fn(&mut AlignConfig);
        let changes: [(Change, &str); 7] = [
            (|c| c.pairs = 0, "align.pairs is 0, allowed: 1 or more"),
            (|c| c.chunks = 0, "align.chunks is 0,"),
            (
                |c| c.learning_rate = f64::NAN,
                "align.learning_rate is NaN,",
            ),
            (
                |c| c.smallest_gap = -0.5,
                "align.smallest_gap is -0.5, allowed: 0 or more",
            ),
            (|c| c.max_loss_weight = 0.5, "align.max_loss_weight is 0.5,"),
            (
                |c| c.winners = 1.5,
                "align.winners is 1.5, allowed: above 0, up to 1",
            ),
            (|c| c.drift_budget = f64::NAN, "align.drift_budget is NaN,"),
        ];
        assert!(AlignConfig::default().validate().is_ok());
        for (change, wanted) in changes {
            let mut config = AlignConfig::default();
            change(&mut config);
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
