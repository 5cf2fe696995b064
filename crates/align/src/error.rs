//! What can go wrong when a policy is aligned.

use apprentice_policy::PolicyError;
use thiserror::Error;

/// Errors of aligning a policy.
#[derive(Debug, Error)]
pub enum AlignError {
    /// A setting that cannot work.
    #[error("alignment setting {key} is {got}, allowed: {allowed}; change it in the configuration")]
    Config {
        /// Which setting.
        key: String,
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
    /// An objective used what it did not declare.
    #[error("an objective uses {0} of a batch, but does not declare it in its needs")]
    NotDeclared(&'static str),
    /// The policy failed.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// Whether `value` is finite and 0 or more.
///
/// # Errors
/// Names `align.objectives.OBJECTIVE.SETTING`, its value and what is allowed.
pub fn not_negative(objective: &str, setting: &str, value: f64) -> Result<(), AlignError> {
    refuse_unless(
        value >= 0.0 && value.is_finite(),
        objective,
        setting,
        value,
        "0 or more",
    )
}

/// Whether `value` is finite and more than 0.
///
/// # Errors
/// Names `align.objectives.OBJECTIVE.SETTING`, its value and what is allowed.
pub fn positive(objective: &str, setting: &str, value: f64) -> Result<(), AlignError> {
    refuse_unless(
        value > 0.0 && value.is_finite(),
        objective,
        setting,
        value,
        "more than 0",
    )
}

fn refuse_unless(
    fine: bool,
    objective: &str,
    setting: &str,
    value: f64,
    allowed: &'static str,
) -> Result<(), AlignError> {
    if fine {
        return Ok(());
    }
    Err(AlignError::Config {
        key: format!("align.objectives.{objective}.{setting}"),
        got: value.to_string(),
        allowed,
    })
}
