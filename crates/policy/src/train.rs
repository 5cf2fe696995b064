//! Imitation: the policy learns to tell the noise in noised action chunks (Ho et al. 2020, arXiv
//! 2006.11239, eq. 14), conditioned on what was seen.

use crate::network::mixing_columns;
use crate::{
    DiffusionConfig, DiffusionPolicy, NoiseSchedule, PolicyError, PolicyNetwork, TrainConfig,
    Windows,
};
use apprentice_core::Seed;
use apprentice_nn::{
    AdamW, AdamWConfig, Ema, cosine_with_warmup, gaussian, in_thread_pool, may_record,
};
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
/// after each step, on a GPU while the next one is under way, and stops the training by answering
/// `false`.
///
/// # Errors
/// On settings that cannot work, a loss that is not finite, a device that gives none back, or when
/// `watch` stops it.
pub fn train(
    windows: &Windows,
    config: &DiffusionConfig,
    training: &TrainConfig,
    seed: Seed,
    device: &Device,
    watch: impl FnMut(TrainProgress) -> bool + Send,
) -> Result<DiffusionPolicy, PolicyError> {
    config.validate()?;
    training.validate()?;
    in_thread_pool(|| imitate(windows, config, training, seed, device, watch))
}

fn imitate(
    windows: &Windows,
    config: &DiffusionConfig,
    training: &TrainConfig,
    seed: Seed,
    device: &Device,
    mut watch: impl FnMut(TrainProgress) -> bool,
) -> Result<DiffusionPolicy, PolicyError> {
    let mut autodiff = device.clone().autodiff();
    if training.gradient_checkpointing {
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
    let mut losses = Losses::new(device);
    let mut finished = |step: usize, loss: f32| {
        let progress = TrainProgress {
            step: step + 1,
            steps: training.steps,
            loss,
        };
        watch(progress)
            .then_some(())
            .ok_or(PolicyError::Stopped(step + 1))
    };
    let mut order = Order::new(windows.samples());
    for step in 0..training.steps {
        let samples = order.next(training.batch, &mut rng);
        let batch = windows.batch(&samples, &proprioception, &actions, &autodiff);
        let condition = network.condition_on(&batch)?;
        let clean = repeat(batch.actions, training.noise_samples);
        let condition = repeat(condition, training.noise_samples);
        let loss = noise_loss(
            &network,
            &schedule,
            (clean, condition),
            training.max_loss_weight,
            &mut rng,
            &autodiff,
        )?;
        let known = losses.next(step, &loss)?;
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        let rate = cosine_with_warmup(
            step,
            training.warmup_steps,
            training.steps,
            training.learning_rate,
        );
        network = optimizer.step_averaging(network, gradients, rate, &mut average);
        if let Some((step, loss)) = known {
            finished(step, loss)?;
        }
    }
    if let Some((step, loss)) = losses.last()? {
        finished(step, loss)?;
    }
    let network = average.apply(network);
    let config = DiffusionConfig {
        action_frame: windows.action_frame(),
        ..config.clone()
    };
    let cameras = windows.cameras();
    let policy = DiffusionPolicy::new(network, config, proprioception, actions, cameras, device)?;
    Ok(policy.with_action_space(windows.action_space()))
}

/// The losses of training, each read back from the device and refused when it is not finite.
struct Losses {
    /// Whether a loss is read only when the next step has been handed out: reading one waits for all that
    /// was handed out before, and a GPU would have nothing to do from then on.
    late: bool,
    waiting: Option<(usize, Tensor<1>)>,
}

impl Losses {
    fn new(device: &Device) -> Self {
        Self {
            late: may_record(device),
            waiting: None,
        }
    }

    /// Takes the loss of a step, before its backward pass; answers the newest that is known and its step.
    fn next(&mut self, step: usize, loss: &Tensor<1>) -> Result<Option<(usize, f32)>, PolicyError> {
        let loss = loss.clone().inner();
        if self.late {
            let before = self.waiting.replace((step, loss));
            return before.map(Self::read).transpose();
        }
        Self::read((step, loss)).map(Some)
    }

    /// The one that is still to be read.
    fn last(&mut self) -> Result<Option<(usize, f32)>, PolicyError> {
        self.waiting.take().map(Self::read).transpose()
    }

    fn read((step, loss): (usize, Tensor<1>)) -> Result<(usize, f32), PolicyError> {
        let value: f32 = loss
            .try_into_scalar()
            .map_err(|error| PolicyError::Computing {
                what: "the loss of a training step",
                reason: error.to_string(),
                advice: "if its memory is full, lower train.batch or set train.gradient_checkpointing = true",
            })?;
        if !value.is_finite() {
            let what = format!("the loss at training step {step}");
            return Err(PolicyError::NotFinite(what));
        }
        Ok((step, value))
    }
}

/// Mean squared error of the predicted noise, at random steps, over chunks [B, Tp, A], each weighted
/// by `1 / alpha_bar` up to `max_loss_weight`.
fn noise_loss(
    network: &PolicyNetwork,
    schedule: &NoiseSchedule,
    (clean, condition): (Tensor<3>, Tensor<2>),
    max_loss_weight: f64,
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
    let weights = error_weights(schedule, &steps, max_loss_weight, device);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(late: bool, values: &[f32]) -> Result<Vec<(usize, f32)>, PolicyError> {
        let device = Device::flex().autodiff();
        let mut losses = Losses {
            late,
            waiting: None,
        };
        let mut told = Vec::new();
        for (step, &value) in values.iter().enumerate() {
            let loss = Tensor::<1>::from_floats([value], &device);
            told.extend(losses.next(step, &loss)?);
        }
        told.extend(losses.last()?);
        Ok(told)
    }

    #[test]
    fn a_loss_read_late_is_that_of_its_own_step() {
        let wanted = vec![(0, 3.0), (1, 2.0), (2, 1.0)];
        for late in [false, true] {
            assert_eq!(told(late, &[3.0, 2.0, 1.0]).unwrap(), wanted);
        }
    }

    #[test]
    fn no_loss_that_is_not_finite_passes() {
        for late in [false, true] {
            for values in [[f32::NAN, 1.0], [1.0, f32::INFINITY]] {
                let error = told(late, &values).unwrap_err().to_string();
                let step = usize::from(values[0].is_finite());
                let wanted = format!("the loss at training step {step} is not a finite number");
                assert!(error.contains(&wanted), "{error}");
            }
        }
    }
}
