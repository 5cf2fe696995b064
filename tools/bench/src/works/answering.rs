//! Networks that answer, and the loop a robot waits for.

use super::{Work, chunks, rng, timed, unet};
use anyhow::Result;
use apprentice_networks::EfficientNetLite0;
use apprentice_networks::{ResNet18, ResNetConfig, VisionTransformer, VisionTransformerConfig};
use apprentice_nn::{Precision, gaussian, may_record};
use apprentice_policy::schedule::Spacing;
use apprentice_policy::{DdimSampler, Denoiser, NoiseSchedule};
use burn::tensor::{Device, Tensor};
use std::hint::black_box;
use std::path::Path;

/// Waits for a result: reading one number of it needs all of it.
fn finish<const D: usize>(tensor: &Tensor<D>) {
    black_box(tensor.clone().into_data());
}

pub(super) fn unet_forward(dims: &[usize], precision: Precision, device: &Device) -> Result<Work> {
    precision.check(device)?;
    let net = precision.of_module(unet(dims, device)?);
    let (x, steps, cond) = chunks(1, device);
    let (x, cond) = (precision.of(x), precision.of(cond));
    Ok(timed(move || {
        finish(&net.forward(x.clone(), steps.clone(), cond.clone())?);
        Ok(())
    }))
}

pub(super) fn resnet_forward(batch: usize, side: usize, device: &Device) -> Result<Work> {
    let net = ResNet18::new(&ResNetConfig::default(), &mut rng(), device)?;
    let images: Tensor<4> = gaussian([batch, side, side, 3], &mut rng(), device);
    Ok(timed(move || {
        finish(&net.forward(images.clone())?);
        Ok(())
    }))
}

pub(super) fn vit_forward(device: &Device) -> Result<Work> {
    let net = VisionTransformer::new(&VisionTransformerConfig::default(), &mut rng(), device)?;
    let images: Tensor<4> = gaussian([1, 224, 224, 3], &mut rng(), device);
    Ok(timed(move || {
        finish(&net.forward(images.clone())?);
        Ok(())
    }))
}

pub(super) fn efficientnet(weights: &Path, device: &Device) -> Result<Work> {
    let net = EfficientNetLite0::load(weights, device)?;
    let images: Tensor<4> = gaussian([16, 112, 112, 3], &mut rng(), device);
    Ok(timed(move || {
        finish(&net.features(images.clone())?);
        Ok(())
    }))
}

/// What a robot waits for: eight steps of noise taken off one chunk.
pub(super) fn denoise(dims: &[usize], precision: Precision, device: &Device) -> Result<Work> {
    let net = unet(dims, device)?;
    let (noise, _, cond) = chunks(1, device);
    let schedule = NoiseSchedule::squared_cosine(100);
    let sampler = DdimSampler::new(&schedule, 8, Spacing::Trailing)?;
    let denoiser = Denoiser::new(&net, &sampler, precision, device)?;
    black_box(denoiser.run(noise.clone(), cond.clone())?);
    if may_record(device) {
        let how = if denoiser.is_recorded() {
            "replayed from a recording"
        } else {
            "launched anew"
        };
        eprintln!("the denoising loop is {how}");
    }
    Ok(timed(move || {
        black_box(denoiser.run(noise.clone(), cond.clone())?);
        Ok(())
    }))
}
