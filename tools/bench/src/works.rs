//! What is timed: each work is prepared once and then run many times.

use anyhow::{Result, anyhow, bail};
use apprentice_nn::{
    AdamW, AdamWConfig, Ema, Precision, ResNet18, ResNetConfig, UNet1d, UNetConfig, VisionConfig,
    VisionEncoder, VisionTransformer, VisionTransformerConfig, gaussian,
};
use apprentice_policy::schedule::Spacing;
use apprentice_policy::{DdimSampler, Denoiser, NoiseSchedule};
use apprentice_transport::{CostMatrix, Form, SinkhornConfig, sinkhorn_batch};
use apprentice_weights::EfficientNetLite0;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;
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
        "resnet_forward_16" => resnet_forward(16, 96, device)?,
        "resnet_backward_16" => resnet_backward(16, 96, device)?,
        "resnet_backward_8" => resnet_backward(8, 224, device)?,
        "vit_forward_1" => vit_forward(device)?,
        "efficientnet_forward_16" => efficientnet(weights, device)?,
        "vision_backward_64" => vision_backward(device)?,
        "unet_small_forward_1" => unet_forward(&SMALL, Precision::F32, device)?,
        "unet_small_backward_64" => unet_backward(&SMALL, device)?,
        "unet_large_forward_1" => unet_forward(&LARGE, Precision::F32, device)?,
        "unet_large_forward_1_bf16" => unet_forward(&LARGE, Precision::Bf16, device)?,
        "unet_large_backward_64" => unet_backward(&LARGE, device)?,
        "adamw_ema_large" | "adamw_ema_large_fused" => adamw_ema(device)?,
        "sinkhorn_scaling" => sinkhorn(Form::Scaling),
        "sinkhorn_log" => sinkhorn(Form::LogDomain),
        "policy_step" => policy_step(device)?,
        "denoise_8" => denoise(&SMALL, Precision::F32, device)?,
        "denoise_8_large" => denoise(&LARGE, Precision::F32, device)?,
        "denoise_8_large_bf16" => denoise(&LARGE, Precision::Bf16, device)?,
        "resnet_unet_step_64" => resnet_unet_step(64, device)?,
        "resnet_unet_step_8" => resnet_unet_step(8, device)?,
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

/// Waits for a result: reading one number of it needs all of it.
fn finish<const D: usize>(tensor: &Tensor<D>) {
    black_box(tensor.clone().into_data());
}

fn unet_forward(dims: &[usize], precision: Precision, device: &Device) -> Result<Work> {
    precision.check(device)?;
    let net = precision.of_module(unet(dims, device)?);
    let (x, steps, cond) = chunks(1, device);
    let (x, cond) = (precision.of(x), precision.of(cond));
    Ok(timed(move || {
        finish(&net.forward(x.clone(), steps.clone(), cond.clone())?);
        Ok(())
    }))
}

/// Waits for what a GPU has been given to do.
fn wait(device: &Device) -> Result<()> {
    device.sync().map_err(|e| anyhow!("{device:?}: {e:?}"))
}

/// Gradients of the mean square of an output.
fn backward<M: Module, const D: usize>(net: &M, out: Tensor<D>) -> GradientsParams {
    let loss = (out.clone() * out).mean();
    GradientsParams::from_grads(loss.backward(), net)
}

fn unet_backward(dims: &[usize], device: &Device) -> Result<Work> {
    let device = device.clone().autodiff();
    let net = unet(dims, &device)?;
    let (x, steps, cond) = chunks(64, &device);
    Ok(timed(move || {
        let out = net.forward(x.clone(), steps.clone(), cond.clone())?;
        black_box(backward(&net, out));
        wait(&device)
    }))
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

fn vision_backward(device: &Device) -> Result<Work> {
    let device = device.clone().autodiff();
    let net = eye(&device)?;
    let images: Tensor<4> = gaussian([64, 64, 64, 3], &mut rng(), &device);
    Ok(timed(move || {
        black_box(backward(&net, net.forward(images.clone())?));
        wait(&device)
    }))
}

fn resnet_forward(batch: usize, side: usize, device: &Device) -> Result<Work> {
    let net = ResNet18::new(&ResNetConfig::default(), &mut rng(), device)?;
    let images: Tensor<4> = gaussian([batch, side, side, 3], &mut rng(), device);
    Ok(timed(move || {
        finish(&net.forward(images.clone())?);
        Ok(())
    }))
}

fn resnet_backward(batch: usize, side: usize, device: &Device) -> Result<Work> {
    let device = device.clone().autodiff();
    let net = ResNet18::new(&ResNetConfig::default(), &mut rng(), &device)?;
    let images: Tensor<4> = gaussian([batch, side, side, 3], &mut rng(), &device);
    Ok(timed(move || {
        black_box(backward(&net, net.forward(images.clone())?));
        wait(&device)
    }))
}

fn vit_forward(device: &Device) -> Result<Work> {
    let net = VisionTransformer::new(&VisionTransformerConfig::default(), &mut rng(), device)?;
    let images: Tensor<4> = gaussian([1, 224, 224, 3], &mut rng(), device);
    Ok(timed(move || {
        finish(&net.forward(images.clone())?);
        Ok(())
    }))
}

fn efficientnet(weights: &Path, device: &Device) -> Result<Work> {
    let net = EfficientNetLite0::load(weights, device)?;
    let images: Tensor<4> = gaussian([16, 112, 112, 3], &mut rng(), device);
    Ok(timed(move || {
        finish(&net.features(images.clone())?);
        Ok(())
    }))
}

/// A thousandth of every weight, as its gradient.
struct OwnGradients(GradientsParams);

impl ModuleVisitor for OwnGradients {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(param.id, param.val().inner() * 1e-3);
    }
}

fn adamw_ema(device: &Device) -> Result<Work> {
    let device = device.clone().autodiff();
    let mut net = Some(unet(&LARGE, &device)?);
    let mut optimizer = AdamW::new(AdamWConfig::default());
    let mut average = net.as_ref().map(Ema::new);
    Ok(Box::new(move || {
        let (Some(module), Some(average)) = (net.take(), average.as_mut()) else {
            bail!("a step failed");
        };
        let mut gradients = OwnGradients(GradientsParams::new());
        module.visit(&mut gradients);
        wait(&device)?;
        let start = Instant::now();
        net = Some(optimizer.step_averaging(module, gradients.0, 1e-4, average));
        wait(&device)?;
        Ok(start.elapsed())
    }))
}

#[derive(Module, Debug)]
struct Policy {
    eyes: Vec<VisionEncoder>,
    unet: UNet1d,
}

/// The demo's policy: two cameras, two moments, 20 numbers of proprioception a moment, each of 16
/// observations with four draws of the noise.
fn policy_step(device: &Device) -> Result<Work> {
    let device = device.clone().autodiff();
    let mut rng = rng();
    let config = UNetConfig {
        action_dim: 10,
        cond_dim: 2 * (2 * 64 + 20),
        dims: vec![64, 128],
        kernel: 3,
        groups: 8,
        step_dim: 64,
    };
    let mut net = Some(Policy {
        eyes: vec![eye(&device)?, eye(&device)?],
        unet: UNet1d::new(&config, &mut rng, &device)?,
    });
    let images: [Tensor<4>; 2] = [
        gaussian([32, 64, 64, 3], &mut rng, &device),
        gaussian([32, 64, 64, 3], &mut rng, &device),
    ];
    let proprioception: Tensor<2> = gaussian([16, 40], &mut rng, &device);
    let noisy: Tensor<3> = gaussian([64, 16, 10], &mut rng, &device);
    let noise: Tensor<3> = gaussian([64, 16, 10], &mut rng, &device);
    let (_, steps, _) = chunks(64, &device);
    let mut optimizer = AdamW::new(AdamWConfig {
        clip_norm: Some(1.0),
        ..AdamWConfig::default()
    });
    let mut average = net.as_ref().map(Ema::new);
    Ok(timed(move || {
        let (Some(module), Some(average)) = (net.take(), average.as_mut()) else {
            bail!("a step failed");
        };
        let mut seen: Vec<Tensor<2>> = Vec::new();
        for (eye, images) in module.eyes.iter().zip(&images) {
            seen.push(eye.forward(images.clone())?.reshape([16, 128]));
        }
        seen.push(proprioception.clone());
        let cond = Tensor::cat(vec![Tensor::cat(seen, 1); 4], 0);
        let out = module.unet.forward(noisy.clone(), steps.clone(), cond)?;
        let gradients = backward(&module, out - noise.clone());
        net = Some(optimizer.step_averaging(module, gradients, 1e-4, average));
        wait(&device)
    }))
}

/// What a robot waits for: eight steps of noise taken off one chunk.
fn denoise(dims: &[usize], precision: Precision, device: &Device) -> Result<Work> {
    let net = unet(dims, device)?;
    let (noise, _, cond) = chunks(1, device);
    let schedule = NoiseSchedule::squared_cosine(100);
    let sampler = DdimSampler::new(&schedule, 8, Spacing::Trailing)?;
    let denoiser = Denoiser::new(&net, &sampler, precision, device)?;
    Ok(timed(move || {
        black_box(denoiser.run(noise.clone(), cond.clone())?);
        Ok(())
    }))
}

#[derive(Module, Debug)]
struct LargePolicy {
    eye: ResNet18,
    unet: UNet1d,
}

/// ResNet-18 and the large U-Net on pictures of 96 x 96 and as many chunks.
fn resnet_unet_step(batch: usize, device: &Device) -> Result<Work> {
    let device = device.clone().autodiff();
    let mut rng = rng();
    let config = UNetConfig {
        action_dim: 10,
        cond_dim: 1024,
        dims: LARGE.to_vec(),
        kernel: 5,
        groups: 8,
        step_dim: 128,
    };
    let mut net = Some(LargePolicy {
        eye: ResNet18::new(&ResNetConfig::default(), &mut rng, &device)?,
        unet: UNet1d::new(&config, &mut rng, &device)?,
    });
    let images: Tensor<4> = gaussian([batch, 96, 96, 3], &mut rng, &device);
    let (noisy, steps, _) = chunks(batch, &device);
    let mut optimizer = AdamW::new(AdamWConfig::default());
    let mut average = net.as_ref().map(Ema::new);
    Ok(timed(move || {
        let (Some(module), Some(average)) = (net.take(), average.as_mut()) else {
            bail!("a step failed");
        };
        let cond = module.eye.keypoints(images.clone())?;
        let out = module.unet.forward(noisy.clone(), steps.clone(), cond)?;
        let gradients = backward(&module, out);
        net = Some(optimizer.step_averaging(module, gradients, 1e-4, average));
        wait(&device)
    }))
}

fn sinkhorn(form: Form) -> Work {
    let mut rng = rng();
    let costs: Vec<CostMatrix> = (0..32)
        .map(|_| CostMatrix {
            rows: 64,
            columns: 64,
            values: (0..64 * 64).map(|_| rng.random::<f64>()).collect(),
        })
        .collect();
    let config = SinkhornConfig {
        epsilon: 0.1,
        iterations: 50,
        tolerance: 0.0,
        form,
    };
    timed(move || {
        black_box(sinkhorn_batch(&costs, &config)?);
        Ok(())
    })
}
