//! What is drawn from rollouts: chunks of actions with what they are conditioned on.

use crate::{AlignConfig, DriftMeter, Pairing};
use apprentice_core::Seed;
use apprentice_policy::{DiffusionPolicy, NoiseSchedule, PolicyError, Windows};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::Rng;

/// Chunks of all rollouts, their conditions computed once: the vision encoders do not change.
pub(crate) struct RolloutChunks {
    conditions: Tensor<2>,
    actions: Tensor<3>,
    /// For each rollout, the rows of its chunks.
    rows: Vec<std::ops::Range<usize>>,
    pairing: Pairing,
    /// Chunks drawn from each rollout.
    count: usize,
}

impl RolloutChunks {
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

    /// Chunks of a rollout that make one row of errors.
    pub fn chunks_per_row(&self) -> usize {
        match self.pairing {
            Pairing::Trajectory | Pairing::FirstChunk => self.count,
            Pairing::RandomChunk => 1,
        }
    }

    fn select(&self, rows: &[usize], device: &Device) -> (Tensor<3>, Tensor<2>) {
        let index: Vec<i64> = rows.iter().map(|&r| r as i64).collect();
        let index = Tensor::<1, Int>::from_data(TensorData::new(index, [rows.len()]), device);
        (
            self.actions.clone().select(0, index.clone()),
            self.conditions.clone().select(0, index),
        )
    }

    /// Chunks of each of `rollouts`, and what they are conditioned on.
    pub fn sample(
        &self,
        rollouts: impl ExactSizeIterator<Item = usize>,
        rng: &mut impl Rng,
        device: &Device,
    ) -> (Tensor<3>, Tensor<2>) {
        let mut rows = Vec::with_capacity(rollouts.len() * self.count);
        for rollout in rollouts {
            let range = self.rows[rollout].clone();
            rows.extend((0..self.count).map(|_| match self.pairing {
                Pairing::Trajectory | Pairing::RandomChunk => rng.random_range(range.clone()),
                Pairing::FirstChunk => range.start,
            }));
        }
        self.select(&rows, device)
    }

    /// What some chunks of all rollouts are conditioned on, [N, C].
    pub fn some_conditions(&self, rng: &mut impl Rng, device: &Device) -> Tensor<2> {
        let all = self.actions.dims()[0];
        let rows: Vec<usize> = (0..all.min(32)).map(|_| rng.random_range(0..all)).collect();
        self.select(&rows, device).1
    }

    /// A drift meter that asks at some chunks of all rollouts.
    pub fn drift_meter(
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
        let (clean, condition) = self.select(&rows, device);
        DriftMeter::new(policy.network(), schedule, clean, condition, seed, device)
    }
}
