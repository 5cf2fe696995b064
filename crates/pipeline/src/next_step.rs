//! What to type next in a run: one command, to be pasted, found from what lies in the run's folder.
//!
//! The folder keeps the run's settings, so that `--out` alone names them.

use crate::context::Context;
use crate::layout::{ALIGNMENT, REWARD, ROLLOUTS};
use crate::outcomes::Outcomes;
use crate::shell_word::shell_word;
use crate::stage::Stage;
use crate::stages::align::Alignment;
use crate::stages::{align, demonstrate, evaluate_aligned, rank, reward, rollouts, train};
use apprentice_reward::StoredReward;

/// Trials of a comparison on the robot that are asked for.
const TRIALS: usize = 60;

/// The next command; `None` once the run is at its end.
#[must_use]
pub fn next_command(context: &Context) -> Option<String> {
    let folder = shell_word(&context.dir.root().display().to_string());
    next(context).map(|command| format!("apprentice {command} --out {folder}"))
}

/// Prints the next command, where there is one.
pub fn say_next(context: &Context) {
    if let Some(command) = next_command(context) {
        context.say(&format!("next: {command}"));
    }
}

/// The next command without its run.
fn next(context: &Context) -> Option<String> {
    let done = |stage: &Stage| context.dir.done(stage.name).is_some();
    let stages = [
        &demonstrate::STAGE,
        &train::STAGE,
        &rollouts::STAGE,
        &rank::STAGE,
        &reward::STAGE,
    ];
    if let Some(stage) = stages.into_iter().find(|stage| !done(stage)) {
        return Some(stage.command.to_owned());
    }
    if !is_evidence(context) {
        return Some(rank::STAGE.command.to_owned());
    }
    if !done(&align::STAGE) || !is_aligned(context) {
        return Some(align::STAGE.command.to_owned());
    }
    if context.config.robot.endpoint.is_empty() {
        return (!done(&evaluate_aligned::STAGE)).then(|| evaluate_aligned::STAGE.command.to_owned());
    }
    None
}

/// Whether the reward was found to say something on rankings that it had not seen.
fn is_evidence(context: &Context) -> bool {
    let stored = context.dir.read::<StoredReward>(REWARD);
    stored.is_ok_and(|reward| reward.evidence.p_value <= context.config.reward.significance)
}

/// Whether alignment changed the policy.
fn is_aligned(context: &Context) -> bool {
    let alignment = context.dir.read::<Alignment>(ALIGNMENT);
    alignment.is_ok_and(|alignment| alignment.evidence)
}
