//! The loop that aligns a policy.

use crate::gradient_shares::{GradientShares, ObjectiveTerm};
use crate::pairs::{best, form_pairs, standardised};
use crate::sampling::RolloutChunks;
use crate::step_batch::{Candidates, StepBatch};
use crate::{AlignConfig, AlignError, SampledChange};
use apprentice_core::Seed;
use apprentice_nn::{AdamW, AdamWConfig, Ema, cosine_with_warmup, in_thread_pool};
use apprentice_policy::{DiffusionPolicy, NoiseSchedule, PolicyError, PolicyNetwork, Windows};
use burn::module::Module as _;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the loop tells its caller after each step.
#[derive(Clone, Copy, Debug)]
pub struct AlignProgress {
    /// Steps done.
    pub step: usize,
    /// Steps to do.
    pub steps: usize,
    /// Loss of the first objective in this step.
    pub loss: f32,
    /// Newest drift measured.
    pub drift: f64,
}

/// How an alignment went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlignReport {
    /// Steps taken.
    pub steps: usize,
    /// Pairs there were; 0 where no objective needs them.
    pub pairs: usize,
    /// What the objectives say of themselves, by name (`beta`, ...).
    #[serde(flatten)]
    pub facts: BTreeMap<String, f64>,
    /// Drift of the policy that was kept, of the predicted velocity ([`Drift`](crate::Drift)); of the predicted noise in
    /// reports of before `noise_drift` was noted.
    pub drift: f64,
    /// The same of the predicted noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise_drift: Option<f64>,
    /// What it did to sampled chunks; `None` in reports of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled: Option<SampledChange>,
    /// Each objective's share of the gradient, the mean over some steps along the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objective_terms: Vec<ObjectiveTerm>,
    /// Drift allowed.
    pub drift_budget: f64,
    /// Whether the budget ended the alignment.
    pub stopped_by_budget: bool,
    /// (step, loss of the first objective, implicit accuracy of the first that knows one, drift) along the way.
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
    in_thread_pool(|| descend(policy, rollouts, rewards, config, seed, watch))
}

fn descend(
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
    let needs = config.objectives.needs();
    let pairs = match needs.pairs {
        true => form_pairs(rewards, config.smallest_gap, config.winners),
        false => Vec::new(),
    };
    if rewards.is_empty() || needs.pairs && pairs.is_empty() {
        return Err(AlignError::NoPairs {
            rollouts: rewards.len(),
            gap: config.smallest_gap,
        });
    }
    let candidates = Candidates {
        pairs,
        winners: best(rewards, config.winners),
        rewards: standardised(rewards),
    };
    let device = policy.device().clone();
    let autodiff = device.clone().autodiff();
    let schedule = NoiseSchedule::squared_cosine(policy.config().diffusion_steps);
    let chunks = RolloutChunks::new(policy, rollouts, config, &device)?;
    let mut rng = seed.rng();
    let meter = chunks.drift_meter(
        policy,
        &schedule,
        seed.derive("drift", 0),
        &mut rng,
        &device,
    )?;
    let numbers = policy.config().horizon * rollouts.action_dim();
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
        pairs: candidates.pairs.len(),
        drift: 0.0,
        noise_drift: Some(0.0),
        sampled: None,
        objective_terms: Vec::new(),
        drift_budget: config.drift_budget,
        stopped_by_budget: false,
        curve: Vec::new(),
        facts: (config.objectives.used())
            .flat_map(|o| o.facts(numbers))
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    };
    let mut shares = GradientShares::default();
    for step in 1..=config.steps {
        let drawn = StepBatch::draw(
            &chunks,
            &candidates,
            needs,
            config,
            &schedule,
            &mut rng,
            &device,
        );
        let batch = drawn.batch(&network, &reference, &schedule, (&device, &autodiff))?;
        if shares.is_due(step, config) {
            let draw = || drawn.batch(&network, &reference, &schedule, (&device, &autodiff));
            shares.measure(config, &network, draw)?;
        }
        let (mut total, mut first, mut accuracy) = (None, None, None);
        for objective in config.objectives.used() {
            let own = objective.loss(&batch)?;
            let value: f32 = own.loss.clone().into_scalar();
            if !value.is_finite() {
                return Err(
                    PolicyError::NotFinite(format!("the alignment loss at step {step}")).into(),
                );
            }
            first = first.or(Some(value));
            accuracy = accuracy.or(own.implicit_accuracy);
            let weighted = own.loss.mul_scalar(objective.weight());
            total = Some(match total {
                None => weighted,
                Some(sum) => sum + weighted,
            });
        }
        let Some(total): Option<Tensor<1>> = total else {
            break;
        };
        let (first, accuracy) = (first.unwrap_or(0.0), accuracy.unwrap_or(0.0));
        let gradients = GradientsParams::from_grads(total.backward(), &network);
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
            report.curve.push((step, first, accuracy, drift.velocity));
            if drift.velocity > config.drift_budget {
                report.stopped_by_budget = true;
                break;
            }
            kept = now;
            report.drift = drift.velocity;
            report.noise_drift = Some(drift.noise);
        }
        if !watch(AlignProgress {
            step,
            steps: config.steps,
            loss: first,
            drift: report.drift,
        }) {
            return Err(PolicyError::Stopped(step).into());
        }
    }
    let aligned = policy.with_network(kept)?;
    let conditions = chunks.some_conditions(&mut seed.derive("sampled change", 0).rng(), &device);
    let change = SampledChange::between(policy, &aligned, &conditions, seed.derive("samples", 0))?;
    report.sampled = Some(change);
    report.objective_terms = shares.terms(config);
    Ok((aligned, report))
}

#[cfg(test)]
mod tests;
