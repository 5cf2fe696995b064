//! The loop that aligns a policy.

use crate::dpo::dpo_loss;
use crate::{AlignConfig, DriftMeter, Pair, form_pairs};
use apprentice_core::Seed;
use apprentice_nn::{AdamW, AdamWConfig, cosine_with_warmup, gaussian, on_workers};
use apprentice_policy::train::{add_noise, error_weights};
use apprentice_policy::{DiffusionPolicy, NoiseSchedule, PolicyError, PolicyNetwork, Windows};
use burn::module::Module as _;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::Rng;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What can go wrong.
#[derive(Debug, Error)]
pub enum AlignError {
    /// Rewards that set no rollout apart.
    #[error(
        "{rollouts} rollouts gave no pair with rewards at least {gap} standard deviations apart; \
         record more rollouts or lower align.smallest_gap"
    )]
    NoPairs {
        /// Rollouts scored.
        rollouts: usize,
        /// Gap asked for.
        gap: f64,
    },
    /// Rewards and rollouts do not match.
    #[error("{rewards} rewards for {rollouts} rollouts; score every rollout once")]
    Mismatch {
        /// Rewards given.
        rewards: usize,
        /// Rollouts given.
        rollouts: usize,
    },
    /// The policy failed.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// What the loop tells its caller after each step.
#[derive(Clone, Copy, Debug)]
pub struct AlignProgress {
    /// Steps done.
    pub step: usize,
    /// Steps to do.
    pub steps: usize,
    /// Preference loss of this step.
    pub preference: f32,
    /// Newest drift measured.
    pub drift: f64,
}

/// How an alignment went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlignReport {
    /// Steps taken.
    pub steps: usize,
    /// Pairs there were.
    pub pairs: usize,
    /// The beta that was used, for errors averaged over a chunk.
    pub beta: f64,
    /// Drift of the policy that was kept.
    pub drift: f64,
    /// Drift allowed.
    pub drift_budget: f64,
    /// Whether the budget ended the alignment.
    pub stopped_by_budget: bool,
    /// (step, preference loss, implicit accuracy, drift) along the way.
    pub curve: Vec<(usize, f32, f32, f64)>,
}

/// Moves the U-Net of `policy` towards the rollouts with the higher rewards; the vision encoders
/// stay as they are. Stops at the step before the drift leaves its budget.
///
/// # Errors
/// When no pair can be made, a loss is not finite, or `watch` answers `false`.
pub fn align_policy(
    policy: &DiffusionPolicy,
    rollouts: &Windows,
    rewards: &[f64],
    config: &AlignConfig,
    seed: Seed,
    watch: impl FnMut(AlignProgress) -> bool + Send,
) -> Result<(DiffusionPolicy, AlignReport), AlignError> {
    on_workers(|| prefer(policy, rollouts, rewards, config, seed, watch))
}

fn prefer(
    policy: &DiffusionPolicy,
    rollouts: &Windows,
    rewards: &[f64],
    config: &AlignConfig,
    seed: Seed,
    mut watch: impl FnMut(AlignProgress) -> bool,
) -> Result<(DiffusionPolicy, AlignReport), AlignError> {
    if rewards.len() != rollouts.episodes() {
        return Err(AlignError::Mismatch {
            rewards: rewards.len(),
            rollouts: rollouts.episodes(),
        });
    }
    let pairs = form_pairs(rewards, config.smallest_gap, config.winners);
    if pairs.is_empty() {
        return Err(AlignError::NoPairs {
            rollouts: rewards.len(),
            gap: config.smallest_gap,
        });
    }
    let device = policy.device().clone();
    let autodiff = device.clone().autodiff();
    let schedule = NoiseSchedule::squared_cosine(policy.config().diffusion_steps);
    let chunks = Chunks::new(policy, rollouts, config.tick_stride, &device)?;
    let mut rng = seed.rng();
    let meter = chunks.meter(
        policy,
        &schedule,
        seed.derive("drift", 0),
        &mut rng,
        &device,
    )?;
    let numbers = policy.config().horizon * rollouts.action_dim();
    let beta = config.beta_per_number * numbers as f64;
    let reference = policy.network().clone();
    let mut network: PolicyNetwork = policy.network().clone().train();
    let mut kept = reference.clone();
    let mut optimizer = AdamW::new(AdamWConfig {
        clip_norm: Some(config.clip_norm),
        weight_decay: 0.0,
        ..AdamWConfig::default()
    });
    let mut report = AlignReport {
        steps: 0,
        pairs: pairs.len(),
        beta,
        drift: 0.0,
        drift_budget: config.drift_budget,
        stopped_by_budget: false,
        curve: Vec::new(),
    };
    for step in 1..=config.steps {
        let drawn: Vec<Pair> = (0..config.pairs)
            .map(|_| pairs[rng.random_range(0..pairs.len())])
            .collect();
        let w = chunks.draw(&drawn, |p| p.winner, config.chunks, &mut rng, &device);
        let l = chunks.draw(&drawn, |p| p.loser, config.chunks, &mut rng, &device);
        let count = drawn.len() * config.chunks;
        let steps: Vec<usize> = (0..count)
            .map(|_| rng.random_range(0..schedule.steps()))
            .collect();
        let noise = gaussian(
            [count, policy.config().horizon, rollouts.action_dim()],
            &mut rng,
            &device,
        );
        let both = Both {
            winner: w,
            loser: l,
            noise,
            steps,
            chunks: config.chunks,
            largest_weight: config.largest_weight,
        };
        let (fw, fl) = both.errors(&reference, &schedule, &device)?;
        let on_graph = both.on(&autodiff);
        let (mw, ml) = on_graph.errors(&network, &schedule, &autodiff)?;
        let lift = |t: Tensor<2>| Tensor::from_data(t.into_data(), &autodiff);
        let loss = dpo_loss(mw, ml, lift(fw), lift(fl), beta, config.winner_imitation);
        if !loss.preference.is_finite() {
            return Err(
                PolicyError::NotFinite(format!("the alignment loss at step {step}")).into(),
            );
        }
        let gradients = GradientsParams::from_grads(loss.total.backward(), &network);
        let rate = cosine_with_warmup(
            step - 1,
            config.warmup_steps,
            config.steps,
            config.learning_rate,
        );
        network = optimizer.step(network, gradients, rate);
        report.steps = step;
        if step % config.drift_every.max(1) == 0 || step == config.steps {
            let now = network.valid();
            let drift = meter.measure(&now)?;
            report
                .curve
                .push((step, loss.preference, loss.implicit_accuracy, drift));
            if drift > config.drift_budget {
                report.stopped_by_budget = true;
                break;
            }
            kept = now;
            report.drift = drift;
        }
        if !watch(AlignProgress {
            step,
            steps: config.steps,
            preference: loss.preference,
            drift: report.drift,
        }) {
            return Err(PolicyError::Stopped(step).into());
        }
    }
    Ok((policy.with_network(kept)?, report))
}

/// Chunks of all rollouts, their conditions computed once: the vision encoders do not change.
struct Chunks {
    conditions: Tensor<2>,
    actions: Tensor<3>,
    /// For each rollout, the rows of its chunks.
    rows: Vec<std::ops::Range<usize>>,
}

impl Chunks {
    const BATCH: usize = 32;

    fn new(
        policy: &DiffusionPolicy,
        rollouts: &Windows,
        stride: usize,
        device: &Device,
    ) -> Result<Self, PolicyError> {
        let mut samples = Vec::new();
        let mut rows = Vec::with_capacity(rollouts.episodes());
        for episode in 0..rollouts.episodes() {
            let start = samples.len();
            samples.extend(
                (0..rollouts.ticks(episode))
                    .step_by(stride.max(1))
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
        })
    }

    fn pick(&self, rows: &[usize], device: &Device) -> (Tensor<3>, Tensor<2>) {
        let index: Vec<i64> = rows.iter().map(|&r| r as i64).collect();
        let index = Tensor::<1, Int>::from_data(TensorData::new(index, [rows.len()]), device);
        (
            self.actions.clone().select(0, index.clone()),
            self.conditions.clone().select(0, index),
        )
    }

    fn draw(
        &self,
        pairs: &[Pair],
        side: impl Fn(&Pair) -> usize,
        chunks: usize,
        rng: &mut impl Rng,
        device: &Device,
    ) -> (Tensor<3>, Tensor<2>) {
        let mut rows = Vec::with_capacity(pairs.len() * chunks);
        for pair in pairs {
            let range = self.rows[side(pair)].clone();
            rows.extend((0..chunks).map(|_| rng.random_range(range.clone())));
        }
        self.pick(&rows, device)
    }

    fn meter(
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
struct Both {
    winner: (Tensor<3>, Tensor<2>),
    loser: (Tensor<3>, Tensor<2>),
    noise: Tensor<3>,
    steps: Vec<usize>,
    chunks: usize,
    largest_weight: f64,
}

impl Both {
    fn on(&self, device: &Device) -> Self {
        fn lift<const D: usize>(t: &Tensor<D>, device: &Device) -> Tensor<D> {
            Tensor::from_data(t.clone().into_data(), device)
        }
        let side = |s: &(Tensor<3>, Tensor<2>)| (lift(&s.0, device), lift(&s.1, device));
        Self {
            winner: side(&self.winner),
            loser: side(&self.loser),
            noise: lift(&self.noise, device),
            steps: self.steps.clone(),
            chunks: self.chunks,
            largest_weight: self.largest_weight,
        }
    }

    /// Mean squared noise errors of winners and losers, weighted as in training, [pairs, chunks] each, in one pass.
    fn errors(
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
        let errors = errors.reshape([rows / self.chunks, self.chunks]);
        let pairs = rows / self.chunks / 2;
        let winner = errors.clone().slice([0..pairs, 0..self.chunks]);
        let loser = errors.slice([pairs..2 * pairs, 0..self.chunks]);
        Ok((winner, loser))
    }
}
