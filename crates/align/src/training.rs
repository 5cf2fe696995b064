//! The loop that aligns a policy.

use crate::chunks::{Both, Chunks};
use crate::dpo::dpo_loss;
use crate::{AlignConfig, Pair, form_pairs};
use apprentice_core::Seed;
use apprentice_nn::{AdamW, AdamWConfig, Ema, cosine_with_warmup, gaussian, in_thread_pool};
use apprentice_policy::{DiffusionPolicy, NoiseSchedule, PolicyError, PolicyNetwork, Windows};
use burn::module::Module as _;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What can go wrong.
#[derive(Debug, Error)]
pub enum AlignError {
    /// A setting that cannot work.
    #[error("alignment setting {key} is {got}, allowed: {allowed}; change it in the configuration")]
    Config {
        /// Which setting.
        key: &'static str,
        /// Its value.
        got: String,
        /// What would do.
        allowed: &'static str,
    },
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
/// When a setting cannot work, no pair can be made, a loss is not finite, or `watch` answers `false`.
pub fn align_policy(
    policy: &DiffusionPolicy,
    rollouts: &Windows,
    rewards: &[f64],
    config: &AlignConfig,
    seed: Seed,
    watch: impl FnMut(AlignProgress) -> bool + Send,
) -> Result<(DiffusionPolicy, AlignReport), AlignError> {
    config.validate()?;
    in_thread_pool(|| prefer(policy, rollouts, rewards, config, seed, watch))
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
    let chunks = Chunks::new(policy, rollouts, config, &device)?;
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
    let mut average = config.average.then(|| Ema::new(&network));
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
        let w = chunks.draw(&drawn, |p| p.winner, &mut rng, &device);
        let l = chunks.draw(&drawn, |p| p.loser, &mut rng, &device);
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
            together: chunks.together(),
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
        network = match &mut average {
            Some(average) => optimizer.step_averaging(network, gradients, rate, average),
            None => optimizer.step(network, gradients, rate),
        };
        report.steps = step;
        if step % config.drift_every == 0 || step == config.steps {
            let now = match &average {
                Some(average) => average.apply(network.clone()).valid(),
                None => network.valid(),
            };
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

#[cfg(test)]
mod tests;
