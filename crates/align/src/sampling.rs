//! What is drawn from rollouts: chunks of actions with what they are conditioned on.

use crate::{AlignConfig, DriftMeter, Pair, Pairing};
use apprentice_core::Seed;
use apprentice_policy::train::{add_noise, error_weights};
use apprentice_policy::{DiffusionPolicy, NoiseSchedule, PolicyError, PolicyNetwork, Windows};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::Rng;

/// Chunks of all rollouts, their conditions computed once: the vision encoders do not change.
pub(crate) struct Chunks {
    conditions: Tensor<2>,
    actions: Tensor<3>,
    /// For each rollout, the rows of its chunks.
    rows: Vec<std::ops::Range<usize>>,
    pairing: Pairing,
    /// Chunks drawn from each rollout of a pair.
    count: usize,
}

impl Chunks {
    const BATCH: usize = 32;

    pub fn new(
        policy: &DiffusionPolicy,
        rollouts: &Windows,
        config: &AlignConfig,
        device: &Device,
    ) -> Result<Self, PolicyError> {
        let mut samples = Vec::new();
        let mut rows = Vec::with_capacity(rollouts.episodes());
        for episode in 0..rollouts.episodes() {
            let start = samples.len();
            samples.extend(
                (0..rollouts.ticks(episode))
                    .step_by(config.tick_stride)
                    .map(|t| (episode, t)),
            );
            rows.push(start..samples.len());
        }
        let (proprioception, actions) = policy.normalizers();
        let (mut conditions, mut chunks) = (Vec::new(), Vec::new());
        for part in samples.chunks(Self::BATCH) {
            let batch = rollouts.batch(part, proprioception, actions, device);
            conditions.push(policy.network().condition_on(&batch)?);
            chunks.push(batch.actions);
        }
        Ok(Self {
            conditions: Tensor::cat(conditions, 0),
            actions: Tensor::cat(chunks, 0),
            rows,
            pairing: config.pairing,
            count: config.chunks,
        })
    }

    /// Chunks of a rollout that share a sigmoid.
    pub fn together(&self) -> usize {
        match self.pairing {
            Pairing::Trajectory | Pairing::FirstChunk => self.count,
            Pairing::RandomChunk => 1,
        }
    }

    fn pick(&self, rows: &[usize], device: &Device) -> (Tensor<3>, Tensor<2>) {
        let index: Vec<i64> = rows.iter().map(|&r| r as i64).collect();
        let index = Tensor::<1, Int>::from_data(TensorData::new(index, [rows.len()]), device);
        (
            self.actions.clone().select(0, index.clone()),
            self.conditions.clone().select(0, index),
        )
    }

    /// Chunks of one side of each pair, and what they are conditioned on.
    pub fn draw(
        &self,
        pairs: &[Pair],
        side: impl Fn(&Pair) -> usize,
        rng: &mut impl Rng,
        device: &Device,
    ) -> (Tensor<3>, Tensor<2>) {
        let mut rows = Vec::with_capacity(pairs.len() * self.count);
        for pair in pairs {
            let range = self.rows[side(pair)].clone();
            rows.extend((0..self.count).map(|_| match self.pairing {
                Pairing::Trajectory | Pairing::RandomChunk => rng.random_range(range.clone()),
                Pairing::FirstChunk => range.start,
            }));
        }
        self.pick(&rows, device)
    }

    /// A drift meter that asks at some chunks of all rollouts.
    pub fn meter(
        &self,
        policy: &DiffusionPolicy,
        schedule: &NoiseSchedule,
        seed: Seed,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Result<DriftMeter, PolicyError> {
        let all = self.actions.dims()[0];
        let rows: Vec<usize> = (0..all.min(128))
            .map(|_| rng.random_range(0..all))
            .collect();
        let (clean, condition) = self.pick(&rows, device);
        DriftMeter::new(policy.network(), schedule, clean, condition, seed, device)
    }
}

/// Winner and loser chunks with the noise and diffusion steps they share.
pub(crate) struct Both {
    pub winner: (Tensor<3>, Tensor<2>),
    pub loser: (Tensor<3>, Tensor<2>),
    pub noise: Tensor<3>,
    pub steps: Vec<usize>,
    /// Chunks that share a sigmoid.
    pub together: usize,
    pub largest_weight: f64,
}

impl Both {
    /// The same on another device.
    pub fn on(&self, device: &Device) -> Self {
        fn lift<const D: usize>(t: &Tensor<D>, device: &Device) -> Tensor<D> {
            Tensor::from_data(t.clone().into_data(), device)
        }
        let side = |s: &(Tensor<3>, Tensor<2>)| (lift(&s.0, device), lift(&s.1, device));
        Self {
            winner: side(&self.winner),
            loser: side(&self.loser),
            noise: lift(&self.noise, device),
            steps: self.steps.clone(),
            together: self.together,
            largest_weight: self.largest_weight,
        }
    }

    /// Mean squared noise errors of winners and losers, weighted as in training, [sigmoids, chunks] each, in
    /// one pass.
    pub fn errors(
        &self,
        network: &PolicyNetwork,
        schedule: &NoiseSchedule,
        device: &Device,
    ) -> Result<(Tensor<2>, Tensor<2>), PolicyError> {
        let clean = Tensor::cat(vec![self.winner.0.clone(), self.loser.0.clone()], 0);
        let condition = Tensor::cat(vec![self.winner.1.clone(), self.loser.1.clone()], 0);
        let noise = Tensor::cat(vec![self.noise.clone(); 2], 0);
        let steps: Vec<usize> = self.steps.iter().chain(&self.steps).copied().collect();
        let noisy = add_noise(schedule, clean, noise.clone(), &steps, device);
        let predicted = network.noise(schedule, noisy, &steps, condition)?;
        let [rows, horizon, dim] = predicted.dims();
        let error = predicted - noise;
        let weights = error_weights(schedule, &steps, self.largest_weight, device);
        let errors = (error.clone() * error * weights)
            .reshape([rows, horizon * dim])
            .mean_dim(1);
        let errors = errors.reshape([rows / self.together, self.together]);
        let pairs = rows / self.together / 2;
        let winner = errors.clone().slice([0..pairs, 0..self.together]);
        let loser = errors.slice([pairs..2 * pairs, 0..self.together]);
        Ok((winner, loser))
    }
}
