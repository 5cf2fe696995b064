//! Self-supervision by temporal cycle consistency (Dwibedi et al. 2019, arXiv 1904.07846): going
//! from a frame to its nearest neighbour in another video and back should end where it began.

use super::network::{COMPACT_SIZE, CompactNetwork};
use crate::input::images_as_tensor;
use crate::{Clip, EncoderError};
use apprentice_core::{Image, Seed};
use apprentice_nn::{AdamW, AdamWConfig, Linear};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng as _;
use serde::{Deserialize, Serialize};

/// What the compact network is before judgements come; they do not train it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initialisation {
    /// Self-supervised by temporal cycle consistency on the run's own clips.
    #[default]
    CycleConsistency,
    /// Random and frozen: the ablation that says what self-supervision is worth.
    Random,
}

/// Settings of the self-supervision. "XIRL" is the code that RAPL's author took it from (Zakka et al. 2021,
/// arXiv 2106.03911).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CycleConsistencyConfig {
    /// What the compact network starts as.
    pub initialisation: Initialisation,
    /// Optimiser steps (XIRL: 4000, RAPL's author: 1001).
    pub steps: usize,
    /// Videos a step, each cycled through the next (XIRL: 4).
    pub videos: usize,
    /// Learning rate of Adam (XIRL: 1e-5, from ImageNet weights).
    pub learning_rate: f64,
    /// Decoupled weight decay (XIRL: 1e-4).
    pub weight_decay: f32,
    /// Softness of the nearest neighbour, squared distance per dimension (XIRL: 1).
    pub temperature: f64,
    /// Width of the embedding that is cycled (XIRL: 32).
    pub embedding: usize,
}

impl Default for CycleConsistencyConfig {
    fn default() -> Self {
        Self {
            initialisation: Initialisation::default(),
            steps: 60,
            videos: 4,
            learning_rate: 1e-3,
            weight_decay: 1e-4,
            temperature: 0.1,
            embedding: 32,
        }
    }
}

impl CycleConsistencyConfig {
    /// Whether self-supervision can work with these settings, which stand under `section`.
    ///
    /// # Errors
    /// Names the first key that cannot be, its value and what is allowed.
    pub fn validate(&self, section: &str) -> Result<(), EncoderError> {
        let refuse = |key: &str, got: String, allowed| {
            let key = format!("{section}.{key}");
            Err(EncoderError::Config { key, got, allowed })
        };
        if self.steps == 0 {
            return refuse(
                "steps",
                "0".into(),
                "1 or more; initialisation = \"random\" does without",
            );
        }
        if self.videos < 2 {
            let got = self.videos.to_string();
            return refuse("videos", got, "2 or more");
        }
        if self.embedding == 0 {
            return refuse("embedding", "0".into(), "1 or more");
        }
        for (key, value) in [
            ("learning_rate", self.learning_rate),
            ("temperature", self.temperature),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return refuse(key, value.to_string(), "more than 0");
            }
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            let got = self.weight_decay.to_string();
            return refuse("weight_decay", got, "0 or more");
        }
        Ok(())
    }
}

#[derive(Module, Debug)]
struct CycleNetwork {
    encoder: CompactNetwork,
    embed: Linear,
}

/// Trains a compact network on `clips`; answers it without gradients, and the loss of each step
/// (mean squared error of the position found after the cycle, 1 = the clip's length). With
/// [`Initialisation::Random`] it is the untrained network of the same seed, and no step is taken.
///
/// # Errors
/// When a setting cannot work, fewer than two clips have the same number of frames, or the loss is not
/// finite.
pub fn self_supervise(
    clips: &[Clip],
    config: &CycleConsistencyConfig,
    seed: Seed,
    device: &Device,
    mut watch: impl FnMut(usize, f32) -> bool,
) -> Result<(CompactNetwork, Vec<f32>), EncoderError> {
    config.validate("encoder.cycle")?;
    if config.initialisation == Initialisation::Random {
        let frozen = device.clone().without_autodiff();
        return Ok((CompactNetwork::new(&mut seed.rng(), &frozen)?, Vec::new()));
    }
    let longest = clips.iter().map(|c| c.frames.len()).max().unwrap_or(0);
    let usable: Vec<&Clip> = clips.iter().filter(|c| c.frames.len() == longest).collect();
    if usable.len() < 2 || longest < 3 {
        return Err(EncoderError::NoData(format!(
            "cycle consistency needs two clips of at least 3 frames, got {} of {longest}",
            usable.len()
        )));
    }
    let cameras = usable[0].frames[0].images.len();
    let autodiff = device.clone().autodiff();
    let mut rng = seed.rng();
    let mut network = CycleNetwork {
        encoder: CompactNetwork::new(&mut rng, &autodiff)?,
        embed: Linear::new(
            CompactNetwork::FEATURES * cameras,
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
        let chosen: Vec<&Clip> = (0..config.videos)
            .map(|_| usable[rng.random_range(0..usable.len())])
            .collect();
        let images: Vec<&Image> = chosen
            .iter()
            .flat_map(|c| c.frames.iter().flat_map(|f| &f.images))
            .collect();
        let features = network.encoder.forward(images_as_tensor(
            &images,
            COMPACT_SIZE,
            [2.0 / 255.0, -1.0],
            &autodiff,
        ));
        let rows = chosen.len() * longest;
        let embedded = network
            .embed
            .forward(features.reshape([rows, cameras * CompactNetwork::FEATURES]));
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
    Ok((network.encoder.valid(), losses))
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

#[cfg(test)]
mod tests;
