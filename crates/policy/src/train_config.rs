//! How policies are trained; defaults are those of `configs/default.toml`.

use crate::PolicyError;
use serde::{Deserialize, Serialize};

/// How a policy is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Optimiser steps.
    pub steps: usize,
    /// Observations a step.
    pub batch: usize,
    /// Noise samples an observation in the same step: the pictures are encoded once for all of them.
    #[serde(alias = "noise_draws")]
    pub noise_samples: usize,
    /// Peak learning rate of AdamW.
    pub learning_rate: f64,
    /// Steps over which the learning rate rises to its peak, before it falls as a cosine.
    pub warmup_steps: usize,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// Largest length of the whole gradient.
    pub clip_norm: f32,
    /// Whether layers that are cheap to compute are computed again in the backward pass, rather than their
    /// outputs kept (Chen et al. 2016, arXiv 1604.06174).
    #[serde(alias = "checkpointing")]
    pub gradient_checkpointing: bool,
    /// Errors at diffusion step t are weighted by `1 / alpha_bar[t]` up to this. 1 is the plain loss of
    /// DDPM; more makes the noisiest steps, at which what is seen decides, count and learn faster
    /// (Salimans and Ho 2022, arXiv 2202.00512, section 4).
    #[serde(alias = "largest_weight")]
    pub max_loss_weight: f64,
}

impl TrainConfig {
    /// Whether training can work with these settings.
    ///
    /// # Errors
    /// Names the first key that cannot be, and what is allowed.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let refuse = |key, got: String, allowed: &str| {
            Err(PolicyError::Config {
                key,
                got,
                allowed: allowed.into(),
            })
        };
        for (key, value) in [
            ("train.steps", self.steps),
            ("train.batch", self.batch),
            ("train.noise_samples", self.noise_samples),
        ] {
            if value == 0 {
                return refuse(key, "0".into(), "1 or more");
            }
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            let got = self.learning_rate.to_string();
            return refuse("train.learning_rate", got, "a number more than 0");
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            let got = self.weight_decay.to_string();
            return refuse("train.weight_decay", got, "a number from 0 up");
        }
        if !(self.clip_norm > 0.0 && self.clip_norm.is_finite()) {
            let got = self.clip_norm.to_string();
            return refuse("train.clip_norm", got, "a number more than 0");
        }
        if !(self.max_loss_weight >= 1.0 && self.max_loss_weight.is_finite()) {
            let got = self.max_loss_weight.to_string();
            return refuse("train.max_loss_weight", got, "a number from 1 up");
        }
        Ok(())
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            steps: 2600,
            batch: 16,
            noise_samples: 4,
            learning_rate: 3e-3,
            warmup_steps: 50,
            weight_decay: 1e-6,
            clip_norm: 1.0,
            gradient_checkpointing: false,
            max_loss_weight: 100.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T>(key: &str, what: &str, checked: &Result<T, PolicyError>) {
        let error = checked.as_ref().err().unwrap().to_string();
        let wanted = format!("setting {key} is {what}, allowed: ");
        assert!(error.contains(&wanted), "{error}");
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused_by_their_key() {
        assert!(TrainConfig::default().validate().is_ok());
        for bad in [f32::NAN, f32::INFINITY, -1.0] {
            let check = |key: &str, change: fn(&mut TrainConfig, f32)| {
                let mut training = TrainConfig::default();
                change(&mut training, bad);
                refused(key, &bad.to_string(), &training.validate());
            };
            check("train.learning_rate", |t, v| t.learning_rate = v.into());
            check("train.weight_decay", |t, v| t.weight_decay = v);
            check("train.clip_norm", |t, v| t.clip_norm = v);
            check("train.max_loss_weight", |t, v| t.max_loss_weight = v.into());
        }
    }
}
