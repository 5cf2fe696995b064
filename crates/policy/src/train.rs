//! Imitation: the policy learns to tell the noise in noised action chunks (Ho et al. 2020, arXiv
//! 2006.11239, eq. 14), conditioned on what was seen.

use crate::network::mixing_columns;
use crate::{
    DiffusionPolicy, NoiseSchedule, PolicyConfig, PolicyError, PolicyNetwork, TrainConfig, Windows,
};
use apprentice_core::Seed;
use apprentice_nn::{AdamW, AdamWConfig, Ema, cosine_with_warmup, gaussian, on_workers};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, seq::SliceRandom};

/// What a training loop tells its caller after each step.
#[derive(Clone, Copy, Debug)]
pub struct TrainProgress {
    /// Steps done.
    pub step: usize,
    /// Steps to do.
    pub steps: usize,
    /// Mean squared error of the noise in this step.
    pub loss: f32,
}

/// Trains a policy on `windows` from scratch.
///
/// `device` must be one without gradients; training turns them on for itself. `watch` is called
/// after each step and stops the training by answering `false`.
///
/// # Errors
/// On settings that cannot work, a loss that is not finite, or when `watch` stops it.
pub fn train(
    windows: &Windows,
    config: &PolicyConfig,
    training: &TrainConfig,
    seed: Seed,
    device: &Device,
    watch: impl FnMut(TrainProgress) -> bool + Send,
) -> Result<DiffusionPolicy, PolicyError> {
    config.validate()?;
    training.validate()?;
    on_workers(|| imitate(windows, config, training, seed, device, watch))
}

fn imitate(
    windows: &Windows,
    config: &PolicyConfig,
    training: &TrainConfig,
    seed: Seed,
    device: &Device,
    mut watch: impl FnMut(TrainProgress) -> bool,
) -> Result<DiffusionPolicy, PolicyError> {
    let mut autodiff = device.clone().autodiff();
    if training.checkpointing {
        autodiff = autodiff.gradient_checkpointing();
    }
    let mut network = PolicyNetwork::new(
        config,
        windows.cameras(),
        windows.proprioception_dim(),
        windows.action_dim(),
        &mut seed.derive("initial weights", 0).rng(),
        &autodiff,
    )?;
    let (proprioception, actions) = windows.fit_normalizers();
    let schedule = NoiseSchedule::squared_cosine(config.diffusion_steps);
    let mut optimizer = AdamW::new(AdamWConfig {
        weight_decay: training.weight_decay,
        clip_norm: Some(training.clip_norm),
        ..AdamWConfig::default()
    });
    let mut average = Ema::new(&network);
    let mut rng = seed.derive("training", 0).rng();
    let mut order = Order::new(windows.samples());
    for step in 0..training.steps {
        let samples = order.next(training.batch, &mut rng);
        let batch = windows.batch(&samples, &proprioception, &actions, &autodiff);
        let condition = network.condition_on(&batch);
        let clean = repeat(batch.actions, training.noise_draws);
        let condition = repeat(condition, training.noise_draws);
        let loss = noise_loss(
            &network,
            &schedule,
            (clean, condition),
            training.largest_weight,
            &mut rng,
            &autodiff,
        )?;
        let value: f32 = loss.clone().into_scalar();
        if !value.is_finite() {
            return Err(PolicyError::NotFinite(format!(
                "the loss at training step {step}"
            )));
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        let rate = cosine_with_warmup(
            step,
            training.warmup_steps,
            training.steps,
            training.learning_rate,
        );
        network = optimizer.step_averaging(network, gradients, rate, &mut average);
        if !watch(TrainProgress {
            step: step + 1,
            steps: training.steps,
            loss: value,
        }) {
            return Err(PolicyError::Stopped(step + 1));
        }
    }
    let network = average.apply(network);
    let config = PolicyConfig {
        action_frame: windows.action_frame(),
        ..config.clone()
    };
    DiffusionPolicy::new(
        network,
        config,
        proprioception,
        actions,
        windows.cameras(),
        device,
    )
}

/// Mean squared error of the predicted noise, at random steps, over chunks [B, Tp, A], each weighted
/// by `1 / alpha_bar` up to `largest_weight`.
fn noise_loss(
    network: &PolicyNetwork,
    schedule: &NoiseSchedule,
    (clean, condition): (Tensor<3>, Tensor<2>),
    largest_weight: f64,
    rng: &mut impl Rng,
    device: &Device,
) -> Result<Tensor<1>, PolicyError> {
    let dims = clean.dims();
    let steps: Vec<usize> = (0..dims[0])
        .map(|_| rng.random_range(0..schedule.steps()))
        .collect();
    let noise = gaussian(dims, rng, device);
    let noisy = add_noise(schedule, clean, noise.clone(), &steps, device);
    let predicted = network.noise(schedule, noisy, &steps, condition)?;
    let error = predicted - noise;
    let weights = error_weights(schedule, &steps, largest_weight, device);
    Ok((error.clone() * error * weights).mean())
}

/// Weights of the errors at `steps`, [B, 1, 1]: `1 / alpha_bar` up to `largest`.
#[must_use]
pub fn error_weights(
    schedule: &NoiseSchedule,
    steps: &[usize],
    largest: f64,
    device: &Device,
) -> Tensor<3> {
    let weights: Vec<f32> = steps
        .iter()
        .map(|&t| (1.0 / schedule.alpha_bar(t)).min(largest) as f32)
        .collect();
    Tensor::from_data(TensorData::new(weights, [steps.len(), 1, 1]), device)
}

/// Chunks [B, Tp, A] with noise of the same shape mixed in, each at its own step.
#[must_use]
pub fn add_noise(
    schedule: &NoiseSchedule,
    clean: Tensor<3>,
    noise: Tensor<3>,
    steps: &[usize],
    device: &Device,
) -> Tensor<3> {
    let (signal, spread) = mixing_columns(schedule, steps, device);
    clean * signal + noise * spread
}

/// The batch `times` over: row b of the input is row b of each copy.
fn repeat<const D: usize>(tensor: Tensor<D>, times: usize) -> Tensor<D> {
    if times == 1 {
        tensor
    } else {
        Tensor::cat(vec![tensor; times], 0)
    }
}

/// Samples in a new random order each round.
struct Order {
    samples: Vec<(usize, usize)>,
    next: usize,
}

impl Order {
    fn new(samples: Vec<(usize, usize)>) -> Self {
        let next = samples.len();
        Self { samples, next }
    }

    fn next(&mut self, count: usize, rng: &mut impl Rng) -> Vec<(usize, usize)> {
        (0..count)
            .map(|_| {
                if self.next >= self.samples.len() {
                    self.samples.shuffle(rng);
                    self.next = 0;
                }
                self.next += 1;
                self.samples[self.next - 1]
            })
            .collect()
    }
}
