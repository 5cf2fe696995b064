//! Sizes of the policy and of its training; defaults are those of `configs/default.toml`.

use crate::{ActionFrame, PolicyError};
use serde::{Deserialize, Serialize};

/// Levels of a U-Net at most: its chunks are a multiple of two to the power of them.
const LEVELS: usize = 16;

/// Architecture and sampling of a diffusion policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// Observations looked at, the newest included (To).
    pub observation_history: usize,
    /// Actions denoised at once (Tp).
    pub horizon: usize,
    /// Actions carried out before the next look (Ta).
    pub execute: usize,
    /// What poses are relative to inside the policy; actions that are not poses stay as they are.
    pub action_frame: ActionFrame,
    /// Diffusion steps of training.
    pub diffusion_steps: usize,
    /// DDIM steps of inference.
    pub inference_steps: usize,
    /// Pictures are resized to this many pixels, height and width.
    pub image_size: usize,
    /// Channels of the vision encoder's convolutions.
    pub vision_channels: Vec<usize>,
    /// Their strides.
    pub vision_strides: Vec<usize>,
    /// Their kernels.
    pub vision_kernels: Vec<usize>,
    /// Features a camera contributes.
    pub vision_features: usize,
    /// Channels of the U-Net's levels.
    pub unet_channels: Vec<usize>,
    /// Kernel of the U-Net's convolutions; odd.
    pub unet_kernel: usize,
    /// Groups of every GroupNorm.
    pub norm_groups: usize,
    /// Width of the diffusion-step embedding; even.
    pub step_features: usize,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            observation_history: 2,
            horizon: 16,
            execute: 8,
            action_frame: ActionFrame::default(),
            diffusion_steps: 100,
            inference_steps: 8,
            image_size: 64,
            vision_channels: vec![16, 32, 32],
            vision_strides: vec![2, 2, 1],
            vision_kernels: vec![5, 3, 3],
            vision_features: 64,
            unet_channels: vec![64, 128],
            unet_kernel: 3,
            norm_groups: 8,
            step_features: 64,
        }
    }
}

impl PolicyConfig {
    /// Refuses sizes that cannot work together.
    ///
    /// # Errors
    /// Names the setting, its value and what is allowed.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let refuse =
            |key, got: String, allowed: String| Err(PolicyError::Config { key, got, allowed });
        for (key, value) in [
            ("observation_history", self.observation_history),
            ("image_size", self.image_size),
            ("vision_features", self.vision_features),
            ("norm_groups", self.norm_groups),
        ] {
            if value == 0 {
                return refuse(key, "0".into(), "1 or more".into());
            }
        }
        for (key, values) in [
            ("vision_strides", &self.vision_strides),
            ("vision_kernels", &self.vision_kernels),
        ] {
            if values.contains(&0) {
                let allowed = "1 or more in each layer".into();
                return refuse(key, format!("{values:?}"), allowed);
            }
        }
        let levels = self.unet_channels.len();
        if !(1..=LEVELS).contains(&levels) {
            let got = format!("{levels} levels");
            return refuse("unet_channels", got, format!("1 to {LEVELS} levels"));
        }
        if self.unet_kernel.is_multiple_of(2) {
            let allowed = "an odd number, so that chunks keep their length".into();
            return refuse("unet_kernel", self.unet_kernel.to_string(), allowed);
        }
        if self.step_features == 0 || !self.step_features.is_multiple_of(2) {
            let allowed = "an even number from 2 up: sines and as many cosines".into();
            return refuse("step_features", self.step_features.to_string(), allowed);
        }
        let multiple = 1 << (levels - 1);
        if self.horizon == 0 || !self.horizon.is_multiple_of(multiple) {
            return refuse(
                "horizon",
                self.horizon.to_string(),
                format!(
                    "a multiple of {multiple} (the U-Net halves it at each level but the last)"
                ),
            );
        }
        let room = (self.horizon + 1).saturating_sub(self.observation_history);
        if self.execute == 0 || self.execute > room {
            return refuse("execute", self.execute.to_string(), format!("1 to {room}"));
        }
        if self.diffusion_steps < 2 {
            return refuse(
                "diffusion_steps",
                self.diffusion_steps.to_string(),
                "2 or more".into(),
            );
        }
        if self.inference_steps == 0 || self.inference_steps > self.diffusion_steps {
            return refuse(
                "inference_steps",
                self.inference_steps.to_string(),
                format!("1 to {}", self.diffusion_steps),
            );
        }
        let layers = self.vision_channels.len();
        if layers == 0 || self.vision_strides.len() != layers || self.vision_kernels.len() != layers
        {
            return refuse(
                "vision_channels, vision_strides, vision_kernels",
                format!(
                    "{layers}, {}, {} entries",
                    self.vision_strides.len(),
                    self.vision_kernels.len()
                ),
                "equally many, at least one".into(),
            );
        }
        for &c in self.vision_channels.iter().chain(&self.unet_channels) {
            if c == 0 || !c.is_multiple_of(self.norm_groups) {
                return refuse(
                    "vision_channels and unet_channels",
                    c.to_string(),
                    format!("multiples of norm_groups ({})", self.norm_groups),
                );
            }
        }
        Ok(())
    }
}

/// How a policy is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Optimiser steps.
    pub steps: usize,
    /// Observations a step.
    pub batch: usize,
    /// Noise draws an observation in the same step: the pictures are encoded once for all of them.
    pub noise_draws: usize,
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
    pub checkpointing: bool,
    /// Errors at diffusion step t are weighted by `1 / alpha_bar[t]` up to this. 1 is the plain loss of
    /// DDPM; more makes the noisiest steps, at which what is seen decides, count and learn faster
    /// (Salimans and Ho 2022, arXiv 2202.00512, section 4).
    pub largest_weight: f64,
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
            ("train.noise_draws", self.noise_draws),
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
        if !(self.largest_weight >= 1.0 && self.largest_weight.is_finite()) {
            let got = self.largest_weight.to_string();
            return refuse("train.largest_weight", got, "a number from 1 up");
        }
        Ok(())
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            steps: 2600,
            batch: 16,
            noise_draws: 4,
            learning_rate: 3e-3,
            warmup_steps: 50,
            weight_decay: 1e-6,
            clip_norm: 1.0,
            checkpointing: false,
            largest_weight: 100.0,
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
    fn sizes_that_cannot_be_are_refused_by_their_key() {
        assert!(PolicyConfig::default().validate().is_ok());
        let check = |key: &str, what: &str, change: fn(&mut PolicyConfig)| {
            let mut config = PolicyConfig::default();
            change(&mut config);
            refused(key, what, &config.validate());
        };
        check("step_features", "63", |c| c.step_features = 63);
        check("step_features", "0", |c| c.step_features = 0);
        check("unet_kernel", "4", |c| c.unet_kernel = 4);
        check("unet_kernel", "0", |c| c.unet_kernel = 0);
        check("vision_strides", "[2, 0, 1]", |c| c.vision_strides[1] = 0);
        check("vision_kernels", "[0, 3, 3]", |c| c.vision_kernels[0] = 0);
        check("image_size", "0", |c| c.image_size = 0);
        check("vision_features", "0", |c| c.vision_features = 0);
        check("norm_groups", "0", |c| c.norm_groups = 0);
        check("unet_channels", "0 levels", |c| c.unet_channels.clear());
        check("unet_channels", "70 levels", |c| {
            c.unet_channels = vec![8; 70];
        });
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
            check("train.largest_weight", |t, v| t.largest_weight = v.into());
        }
    }
}
