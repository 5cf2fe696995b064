//! Sizes of a diffusion policy; defaults are those of `configs/default.toml`.

use crate::{ActionFrame, PolicyError};
use serde::{Deserialize, Serialize};

/// Levels of a U-Net at most: its chunks are a multiple of two to the power of them.
const LEVELS: usize = 16;

/// Architecture and sampling of a diffusion policy (Chi et al. 2023, arXiv 2303.04137).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiffusionConfig {
    /// Observations looked at, the newest included (To).
    pub observation_history: usize,
    /// Actions denoised at once (Tp).
    pub horizon: usize,
    /// Actions executed before the next observation (Ta). Policy files call it `execute`.
    #[serde(alias = "execute")]
    pub n_action_steps: usize,
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

impl Default for DiffusionConfig {
    fn default() -> Self {
        Self {
            observation_history: 2,
            horizon: 16,
            n_action_steps: 8,
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

impl DiffusionConfig {
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
        let most = (self.horizon + 1).saturating_sub(self.observation_history);
        if self.n_action_steps == 0 || self.n_action_steps > most {
            let got = self.n_action_steps.to_string();
            return refuse("n_action_steps", got, format!("1 to {most}"));
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
        assert!(DiffusionConfig::default().validate().is_ok());
        let check = |key: &str, what: &str, change: fn(&mut DiffusionConfig)| {
            let mut config = DiffusionConfig::default();
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
}
