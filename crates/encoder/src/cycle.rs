//! Self-supervision by temporal cycle consistency (Dwibedi et al. 2019, arXiv 1904.07846): going
//! from a frame to its nearest neighbour in another video and back should end where it began.

use crate::backbone::{COMPACT_SIZE, pictures};
use crate::{Clip, CompactBackbone, EncoderError};
use apprentice_core::{Image, Seed};
use apprentice_nn::{AdamW, AdamWConfig, Linear};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng as _;
use serde::{Deserialize, Serialize};

/// Settings of the self-supervision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CycleConfig {
    /// Optimiser steps.
    pub steps: usize,
    /// Videos a step; each is cycled through the next.
    pub videos: usize,
    /// Learning rate of Adam.
    pub learning_rate: f64,
    /// Weight decay.
    pub weight_decay: f32,
    /// Softness of the nearest neighbour.
    pub temperature: f64,
    /// Width of the embedding that is cycled.
    pub embedding: usize,
}

impl Default for CycleConfig {
    fn default() -> Self {
        Self {
            steps: 60,
            videos: 4,
            learning_rate: 1e-3,
            weight_decay: 1e-4,
            temperature: 0.1,
            embedding: 32,
        }
    }
}

#[derive(Module, Debug)]
struct CycleNetwork {
    backbone: CompactBackbone,
    embed: Linear,
}

/// Trains a compact backbone on `clips`; answers it without gradients, and the loss of each step
/// (mean squared error of the position found after the cycle, 1 = the clip's length).
///
/// # Errors
/// When fewer than two clips have the same number of moments, or the loss is not finite.
pub fn self_supervise(
    clips: &[Clip],
    config: &CycleConfig,
    seed: Seed,
    device: &Device,
    mut watch: impl FnMut(usize, f32) -> bool,
) -> Result<(CompactBackbone, Vec<f32>), EncoderError> {
    let longest = clips.iter().map(|c| c.moments.len()).max().unwrap_or(0);
    let usable: Vec<&Clip> = clips
        .iter()
        .filter(|c| c.moments.len() == longest)
        .collect();
    if usable.len() < 2 || longest < 3 {
        return Err(EncoderError::NoData(format!(
            "cycle consistency needs two clips of at least 3 frames, got {} of {longest}",
            usable.len()
        )));
    }
    let cameras = usable[0].moments[0].len();
    let autodiff = device.clone().autodiff();
    let mut rng = seed.rng();
    let mut network = CycleNetwork {
        backbone: CompactBackbone::new(&mut rng, &autodiff)?,
        embed: Linear::new(
            CompactBackbone::FEATURES * cameras,
            config.embedding,
            &mut rng,
            &autodiff,
        ),
    };
    let mut optimizer = AdamW::new(AdamWConfig {
        betas: (0.9, 0.999),
        weight_decay: config.weight_decay,
        ..AdamWConfig::default()
    });
    let mut losses = Vec::with_capacity(config.steps);
    for step in 0..config.steps {
        let chosen: Vec<&Clip> = (0..config.videos.max(2))
            .map(|_| usable[rng.random_range(0..usable.len())])
            .collect();
        let images: Vec<&Image> = chosen
            .iter()
            .flat_map(|c| c.moments.iter().flatten())
            .collect();
        let features = network.backbone.forward(pictures(
            &images,
            COMPACT_SIZE,
            [2.0 / 255.0, -1.0],
            &autodiff,
        ));
        let rows = chosen.len() * longest;
        let embedded = network
            .embed
            .forward(features.reshape([rows, cameras * CompactBackbone::FEATURES]));
        let videos = embedded.reshape([chosen.len(), longest, config.embedding]);
        let loss = cycle_loss(videos, config.temperature, &autodiff);
        let value: f32 = loss.clone().into_scalar();
        if !value.is_finite() {
            return Err(EncoderError::NotFinite(format!(
                "the cycle-consistency loss at step {step}"
            )));
        }
        losses.push(value);
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = optimizer.step(network, gradients, config.learning_rate);
        if !watch(step + 1, value) {
            return Err(EncoderError::Stopped);
        }
    }
    Ok((network.backbone.valid(), losses))
}

/// Cycle-back regression on videos [V, T, E], each against the next; positions run from 0 to 1.
fn cycle_loss(videos: Tensor<3>, temperature: f64, device: &Device) -> Tensor<1> {
    let [count, length, width] = videos.dims();
    let next = Tensor::cat(
        vec![
            videos.clone().slice([1..count, 0..length, 0..width]),
            videos.clone().slice([0..1, 0..length, 0..width]),
        ],
        0,
    );
    let neighbour = softmax(
        similarity(videos.clone(), next.clone()).div_scalar(temperature),
        2,
    )
    .matmul(next);
    let back = softmax(similarity(neighbour, videos).div_scalar(temperature), 2);
    let place: Vec<f32> = (0..length)
        .map(|i| i as f32 / (length - 1) as f32)
        .collect();
    let place = Tensor::<3>::from_data(TensorData::new(place, [1, length, 1]), device);
    let found = back.matmul(place.clone().repeat_dim(0, count));
    (found - place).powf_scalar(2.0).mean()
}

/// Minus squared distance per dimension, [V, T, T].
fn similarity(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    let width = a.dims()[2] as f64;
    let aa = a.clone().powf_scalar(2.0).sum_dim(2);
    let bb = b.clone().powf_scalar(2.0).sum_dim(2).swap_dims(1, 2);
    (a.matmul(b.swap_dims(1, 2)).mul_scalar(2.0) - aa - bb).div_scalar(width)
}
