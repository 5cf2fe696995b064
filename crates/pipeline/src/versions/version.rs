//! What is kept of a version.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A policy that a run has had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Its number, from 1.
    pub number: u32,
    /// What it is: `base` or `aligned`.
    pub name: String,
    /// Its file, below the run's folder.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// When it was kept, seconds since 1970.
    pub made_at_s: u64,
    /// The version it was made from; `None` for a base policy.
    pub made_from: Option<u32>,
    /// What was judged by then.
    pub judgements: Option<Judged>,
    /// What the rankings that were kept back say of the reward; `None` without one.
    pub reward: Option<RewardEvidence>,
    /// What the alignment did; `None` without one.
    pub alignment: Option<Drift>,
    /// The run's seed.
    pub seed: u64,
    /// The run's settings.
    pub settings: Value,
}

/// The log of judgements as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Judgements in it.
    pub judgements: usize,
    /// SHA-256 of the log.
    pub sha256: String,
}

/// What the rankings that were kept back say of the reward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RewardEvidence {
    /// Share of pairs that the reward orders as they do.
    pub accuracy: f64,
    /// Such pairs.
    pub pairs: usize,
    /// Chance of that if they were in random order.
    pub p_value: f64,
    /// The most that is allowed.
    pub allowed: f64,
}

/// How far the alignment moved the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Whether the rankings counted as evidence: if not, the policy is the one before.
    pub evidence: bool,
    /// Steps taken.
    pub steps: usize,
    /// Mean squared change of the predicted noise.
    pub drift: f64,
    /// The most that is allowed; `None` for no limit.
    pub budget: Option<f64>,
}
