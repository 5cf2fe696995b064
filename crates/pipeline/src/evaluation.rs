//! Evaluation: policies on the same held-out scenes.

use crate::context::Context;
use crate::judgements::preferred_grasp;
use crate::outcomes::Outcomes;
use crate::policies::watch_policy;
use anyhow::{Result, bail};
use apprentice_core::Proportion;
use serde::{Deserialize, Serialize};

/// A policy's success and preference on held-out scenes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Mug picked up.
    pub success: Proportion,
    /// Mug picked up the preferred way, of all episodes in which it was picked up.
    pub preferred: Proportion,
}

/// Tries a policy on the held-out scenes.
///
/// # Errors
/// When recording fails.
pub fn evaluate(context: &Context, policy: &str, folder: &str, what: &str) -> Result<()> {
    if !context.config.robot.endpoint.is_empty() {
        bail!(
            "success is judged by the simulator, and the robot at {} is none; record rollouts and rank them instead",
            context.config.robot.endpoint
        );
    }
    let config = &context.config.evaluate;
    let seeds = (0..config.episodes as u64)
        .map(|i| context.seed.derive("held out", i))
        .collect();
    watch_policy(context, policy, folder, what, seeds, config.ticks)?;
    Ok(())
}

/// Success and preference of a folder's episodes.
#[must_use]
pub fn rates(context: &Context, notes: &Outcomes) -> Rates {
    let grasp = preferred_grasp(context.config.operator.prefers);
    let all = notes.episodes.len() as u64;
    let success = notes.episodes.iter().filter(|e| e.succeeded()).count() as u64;
    let preferred = notes.episodes.iter().filter(|e| e.picked(grasp)).count() as u64;
    Rates {
        success: Proportion::new(success, all),
        preferred: Proportion::new(preferred, success),
    }
}
