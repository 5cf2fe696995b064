//! Sizes of the policy and of its training; defaults are those of `configs/default.toml`.

use crate::{ActionFrame, PolicyError};
use serde::{Deserialize, Serialize};

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
    /// Kernel of the U-Net's convolutions.
    pub unet_kernel: usize,
    /// Groups of every GroupNorm.
    pub norm_groups: usize,
    /// Width of the diffusion-step embedding.
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
        if self.observation_history == 0 {
            return refuse("observation_history", "0".into(), "1 or more".into());
        }
        let multiple = 1 << self.unet_channels.len().saturating_sub(1);
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
            if c == 0 || !c.is_multiple_of(self.norm_groups.max(1)) {
                return refuse(
                    "vision_channels and unet_channels",
                    c.to_string(),
                    format!("multiples of norm_groups ({})", self.norm_groups),
                );
            }
        }
        if self.unet_channels.is_empty() || self.norm_groups == 0 {
            return refuse(
                "unet_channels",
                "none".into(),
                "at least one, norm_groups at least 1".into(),
            );
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
            return refuse("train.learning_rate", got, "more than 0");
        }
        if self.largest_weight < 1.0 || self.largest_weight.is_nan() {
            let got = self.largest_weight.to_string();
            return refuse("train.largest_weight", got, "1 or more");
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
