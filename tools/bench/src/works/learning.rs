//! Networks that learn.

use super::{LARGE, Work, chunks, eye, rng, timed, unet, wait};
use anyhow::{Result, bail};
use apprentice_core::{CameraFrame, Image, Observation, RobotState, Seed};
use apprentice_episode::{CameraInfo, Episode, EpisodeId, EpisodeMeta, Source, Tick};
use apprentice_nn::{
    AdamW, AdamWConfig, Ema, ResNet18, ResNetConfig, UNet1d, UNetConfig, VisionEncoder, gaussian,
};
use apprentice_policy::{PolicyConfig, TrainConfig, Windows, train};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rand::Rng as _;
use std::hint::black_box;
use std::time::Instant;

/// Gradients of the mean square of an output.
fn backward<M: Module, const D: usize>(net: &M, out: Tensor<D>) -> GradientsParams {
    let loss = (out.clone() * out).mean();
    GradientsParams::from_grads(loss.backward(), net)
}

pub(super) fn unet_backward(dims: &[usize], device: &Device) -> Result<Work> {
    let device = device.clone().autodiff();
    let net = unet(dims, &device)?;
    let (x, steps, cond) = chunks(64, &device);
    Ok(timed(move || {
        let out = net.forward(x.clone(), steps.clone(), cond.clone())?;
        black_box(backward(&net, out));
        wait(&device)
    }))
}

pub(super) fn vision_backward(device: &Device) -> Result<Work> {
    let device = device.clone().autodiff();
    let net = eye(&device)?;
    let images: Tensor<4> = gaussian([64, 64, 64, 3], &mut rng(), &device);
    Ok(timed(move || {
        black_box(backward(&net, net.forward(images.clone())?));
        wait(&device)
    }))
}

pub(super) fn resnet_backward(batch: usize, side: usize, device: &Device) -> Result<Work> {
    let device = device.clone().autodiff();
    let net = ResNet18::new(&ResNetConfig::default(), &mut rng(), &device)?;
    let images: Tensor<4> = gaussian([batch, side, side, 3], &mut rng(), &device);
    Ok(timed(move || {
        black_box(backward(&net, net.forward(images.clone())?));
        wait(&device)
    }))
}

/// A thousandth of every weight, as its gradient.
struct OwnGradients(GradientsParams);

impl ModuleVisitor for OwnGradients {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(param.id, param.val().inner() * 1e-3);
    }
}

pub(super) fn adamw_ema(device: &Device) -> Result<Work> {
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
pub(super) fn policy_step(device: &Device) -> Result<Work> {
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

#[derive(Module, Debug)]
struct LargePolicy {
    eye: ResNet18,
    unet: UNet1d,
}

/// ResNet-18 and the large U-Net on pictures of 96 x 96 and as many chunks.
pub(super) fn resnet_unet_step(batch: usize, device: &Device) -> Result<Work> {
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

/// Steps of [`training`].
const STEPS: usize = 100;

/// A hundred steps of the demo's training as the product runs it, from pictures in memory to averaged
/// weights.
pub(super) fn training(device: &Device) -> Result<Work> {
    let mut rng = rng();
    let episodes: Vec<Episode> = (0..8).map(|_| episode(&mut rng)).collect::<Result<_>>()?;
    let config = PolicyConfig::default();
    let windows = Windows::new(episodes.iter().map(|e| ("random", e)), &config)?;
    let training = TrainConfig {
        steps: STEPS,
        ..TrainConfig::default()
    };
    let device = device.clone();
    Ok(timed(move || {
        let policy = train(&windows, &config, &training, Seed(1), &device, |_| true)?;
        black_box(policy);
        wait(&device)
    }))
}

/// Sixty random ticks of two cameras.
fn episode(rng: &mut rand_chacha::ChaCha8Rng) -> Result<Episode> {
    let camera = |name: &str| CameraInfo {
        name: name.into(),
        width: 64,
        height: 64,
    };
    let cameras = vec![camera("front"), camera("wrist")];
    let meta = EpisodeMeta::new(
        "bench",
        "none",
        Source::Import,
        cameras,
        "numbers",
        10,
        10.0,
    );
    let mut ticks = Vec::new();
    for index in 0..60u64 {
        let mut frame = || -> Result<CameraFrame> {
            let rgb = (0..64 * 64 * 3).map(|_| rng.random()).collect();
            Ok(CameraFrame {
                sequence: index,
                stamp_ns: index,
                image: Image::new(64, 64, rgb)?,
            })
        };
        let frames = vec![frame()?, frame()?];
        let state = RobotState {
            sequence: index,
            stamp_ns: index,
            positions: Vec::new(),
            velocities: Vec::new(),
            gripper_width: 0.0,
            efforts: None,
            external_wrench: None,
        };
        let mut numbers = |count: usize| (0..count).map(|_| rng.random()).collect();
        ticks.push(Tick {
            index,
            stamp_ns: index,
            observation: Observation { state, frames },
            proprioception: numbers(20),
            action: numbers(10),
            guard_refusals: Vec::new(),
            decided_by: apprentice_episode::DecidedBy::Agent,
            unexecuted: Vec::new(),
        });
    }
    Ok(Episode {
        id: EpisodeId::from("random"),
        meta,
        ticks,
        complete: true,
    })
}
