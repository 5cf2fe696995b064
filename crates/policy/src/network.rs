//! The networks of a policy: one vision encoder a camera and the U-Net they condition.

use crate::{Batch, DiffusionConfig, NoiseSchedule, PolicyError};
use apprentice_networks::{UNet1d, UNetConfig, VisionConfig, VisionEncoder};
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;

/// Vision encoders and conditional U-Net.
#[derive(Module, Debug)]
pub struct PolicyNetwork {
    encoders: Vec<VisionEncoder>,
    unet: UNet1d,
}

impl PolicyNetwork {
    /// Fresh weights drawn from `rng`.
    ///
    /// # Errors
    /// When the configuration cannot work.
    pub fn new(
        config: &DiffusionConfig,
        cameras: usize,
        proprioception_dim: usize,
        action_dim: usize,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Result<Self, PolicyError> {
        config.validate()?;
        let vision = VisionConfig {
            height: config.image_size,
            width: config.image_size,
            channels: config.vision_channels.clone(),
            strides: config.vision_strides.clone(),
            kernels: config.vision_kernels.clone(),
            groups: config.norm_groups,
            out: config.vision_features,
        };
        let encoders = (0..cameras)
            .map(|_| VisionEncoder::new(&vision, rng, device))
            .collect::<Result<Vec<_>, _>>()?;
        let features = cameras * config.vision_features + proprioception_dim;
        let unet = UNetConfig {
            action_dim,
            cond_dim: config.observation_history * features,
            dims: config.unet_channels.clone(),
            kernel: config.unet_kernel,
            groups: config.norm_groups,
            step_dim: config.step_features,
        };
        Ok(Self {
            encoders,
            unet: UNet1d::new(&unet, rng, device)?,
        })
    }

    /// The U-Net.
    pub(crate) fn unet(&self) -> &UNet1d {
        &self.unet
    }

    /// Numbers of the condition, C.
    pub(crate) fn condition_dim(&self) -> usize {
        self.unet.condition_dim()
    }

    /// What the U-Net is conditioned on, [B, To * (cameras * F) + To * P], from pictures
    /// [B * To, H, W, 3] a camera and proprioception [B, To * P].
    ///
    /// # Errors
    /// When there are more or fewer cameras than the policy looks through, a camera's pictures cannot be
    /// shared out among the batch or do not fit its encoder, or the condition has another length than the
    /// U-Net takes.
    pub fn condition(
        &self,
        images: &[Tensor<4>],
        proprioception: Tensor<2>,
    ) -> Result<Tensor<2>, PolicyError> {
        let refuse = |what, got: usize, expected: String| PolicyError::Observation {
            what,
            got: got.to_string(),
            expected,
        };
        let (found, wanted) = (images.len(), self.encoders.len());
        if found != wanted {
            return Err(refuse("number of cameras", found, wanted.to_string()));
        }
        let batch = proprioception.dims()[0];
        let mut parts: Vec<Tensor<2>> = Vec::with_capacity(found + 1);
        for (encoder, images) in self.encoders.iter().zip(images) {
            let pictures = images.dims()[0];
            if batch == 0 || pictures == 0 || !pictures.is_multiple_of(batch) {
                let expected = format!("a multiple of the {batch} rows of proprioception");
                return Err(refuse("number of pictures of a camera", pictures, expected));
            }
            let features = encoder.forward(images.clone())?;
            let width = pictures / batch * features.dims()[1];
            parts.push(features.reshape([batch, width]));
        }
        parts.push(proprioception);
        let condition = Tensor::cat(parts, 1);
        let (found, wanted) = (condition.dims()[1], self.condition_dim());
        if found != wanted {
            return Err(refuse("length of the condition", found, wanted.to_string()));
        }
        Ok(condition)
    }

    /// [`Self::condition`] of a batch.
    ///
    /// # Errors
    /// Those of [`Self::condition`].
    pub fn condition_on(&self, batch: &Batch) -> Result<Tensor<2>, PolicyError> {
        self.condition(&batch.images, batch.proprioception.clone())
    }

    /// The predicted noise, [B, Tp, A], of noisy chunks [B, Tp, A] at diffusion steps `[B]`.
    ///
    /// What the U-Net puts out is mixed with its input as the schedule mixes signal and noise: at the
    /// noisiest steps, where the chunk is almost all noise, the U-Net only has to say what is left
    /// (Salimans and Ho 2022, arXiv 2202.00512, appendix D). The prediction, the loss and the sampler
    /// stay those of the noise.
    ///
    /// # Errors
    /// When the horizon does not fit the U-Net's levels, or sizes do not agree.
    pub fn noise(
        &self,
        schedule: &NoiseSchedule,
        noisy: Tensor<3>,
        steps: &[usize],
        condition: Tensor<2>,
    ) -> Result<Tensor<3>, PolicyError> {
        let device = noisy.device();
        let (signal, spread) = mixing_columns(schedule, steps, &device);
        let left = self.velocity(noisy.clone(), steps, condition)?;
        Ok(noisy * spread + left * signal)
    }

    /// What [`Self::noise`] mixes with its input, [B, Tp, A]: the velocity `v = signal * noise - spread * clean` of
    /// Salimans and Ho (2022, arXiv 2202.00512), in which all diffusion steps weigh alike and the noisiest, where modes
    /// are decided, are not lost.
    ///
    /// # Errors
    /// Those of [`Self::noise`].
    pub fn velocity(
        &self,
        noisy: Tensor<3>,
        steps: &[usize],
        condition: Tensor<2>,
    ) -> Result<Tensor<3>, PolicyError> {
        let device = noisy.device();
        self.unet.check(noisy.dims(), condition.dims())?;
        Ok(self
            .unet
            .forward(noisy, steps_tensor(steps, &device), condition)?)
    }
}

/// Diffusion steps as the U-Net takes them, `[B]`.
fn steps_tensor(steps: &[usize], device: &Device) -> Tensor<1> {
    let values: Vec<f32> = steps.iter().map(|&t| t as f32).collect();
    Tensor::from_data(TensorData::new(values, [steps.len()]), device)
}

/// Shares of signal and noise at `steps`, [B, 1, 1] each.
pub(crate) fn mixing_columns(
    schedule: &NoiseSchedule,
    steps: &[usize],
    device: &Device,
) -> (Tensor<3>, Tensor<3>) {
    let column = |pick: fn((f32, f32)) -> f32| {
        let values: Vec<f32> = steps.iter().map(|&t| pick(schedule.mixing(t))).collect();
        Tensor::from_data(TensorData::new(values, [steps.len(), 1, 1]), device)
    };
    (column(|m| m.0), column(|m| m.1))
}
