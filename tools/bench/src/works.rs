//! What is timed: each work is prepared once and then run many times.

mod answering;
mod learning;
mod transport;

use anyhow::{Result, anyhow, bail};
use apprentice_networks::{UNet1d, UNetConfig, VisionConfig, VisionEncoder};
use apprentice_nn::{Precision, gaussian};
use apprentice_optimal_transport::Form;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use std::path::Path;
use std::time::{Duration, Instant};

/// One run of a work, and how long it took.
pub type Work = Box<dyn FnMut() -> Result<Duration> + Send>;

fn timed(mut run: impl FnMut() -> Result<()> + Send + 'static) -> Work {
    Box::new(move || {
        let start = Instant::now();
        run()?;
        Ok(start.elapsed())
    })
}

const COND: usize = 132;
const SMALL: [usize; 3] = [64, 128, 256];
const LARGE: [usize; 3] = [256, 512, 1024];

/// The work of this name, ready to run; `weights` is a file with EfficientNet-Lite0's.
///
/// # Errors
/// When there is none.
pub fn prepare(name: &str, weights: &Path, device: &Device) -> Result<Work> {
    Ok(match name {
        "resnet_forward_16" => answering::resnet_forward(16, 96, device)?,
        "resnet_backward_16" => learning::resnet_backward(16, 96, device)?,
        "resnet_backward_8" => learning::resnet_backward(8, 224, device)?,
        "vit_forward_1" => answering::vit_forward(device)?,
        "efficientnet_forward_16" => answering::efficientnet(weights, device)?,
        "vision_backward_64" => learning::vision_backward(device)?,
        "unet_small_forward_1" => answering::unet_forward(&SMALL, Precision::F32, device)?,
        "unet_small_backward_64" => learning::unet_backward(&SMALL, device)?,
        "unet_large_forward_1" => answering::unet_forward(&LARGE, Precision::F32, device)?,
        "unet_large_forward_1_bf16" => answering::unet_forward(&LARGE, Precision::Bf16, device)?,
        "unet_large_backward_64" => learning::unet_backward(&LARGE, device)?,
        "adamw_ema_large" | "adamw_ema_large_fused" => learning::adamw_ema(device)?,
        "sinkhorn_scaling" => transport::sinkhorn(Form::Scaling),
        "sinkhorn_log" => transport::sinkhorn(Form::LogDomain),
        "policy_step" => learning::policy_step(device)?,
        "denoise_8" => answering::denoise(&SMALL, Precision::F32, device)?,
        "denoise_8_large" => answering::denoise(&LARGE, Precision::F32, device)?,
        "denoise_8_large_bf16" => answering::denoise(&LARGE, Precision::Bf16, device)?,
        "training_100" => learning::training(device)?,
        "resnet_unet_step_64" => learning::resnet_unet_step(64, device)?,
        "resnet_unet_step_8" => learning::resnet_unet_step(8, device)?,
        other => bail!("there is no work {other:?}"),
    })
}

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(1)
}

fn unet(dims: &[usize], device: &Device) -> Result<UNet1d> {
    let config = UNetConfig {
        action_dim: 10,
        cond_dim: COND,
        dims: dims.to_vec(),
        kernel: 5,
        groups: 8,
        step_dim: 128,
    };
    Ok(UNet1d::new(&config, &mut rng(), device)?)
}

/// Noisy chunks, diffusion steps and conditions.
fn chunks(batch: usize, device: &Device) -> (Tensor<3>, Tensor<1>, Tensor<2>) {
    let mut rng = rng();
    (
        gaussian([batch, 16, 10], &mut rng, device),
        gaussian::<1>([batch], &mut rng, device).abs() * 40.0,
        gaussian([batch, COND], &mut rng, device),
    )
}

/// Waits for what a GPU has been given to do.
fn wait(device: &Device) -> Result<()> {
    device.sync().map_err(|e| anyhow!("{device:?}: {e:?}"))
}

fn eye(device: &Device) -> Result<VisionEncoder> {
    let config = VisionConfig {
        height: 64,
        width: 64,
        channels: vec![16, 32, 32],
        strides: vec![2, 2, 1],
        kernels: vec![5, 3, 3],
        groups: 8,
        out: 64,
    };
    Ok(VisionEncoder::new(&config, &mut rng(), device)?)
}
