//! What to type next in a run: one command, to be pasted, found from what lies in the run's folder.
//!
//! The folder keeps the run's settings, so that `--out` alone names them.

use crate::context::Context;
use crate::freshness::out_of_date;
use crate::layout::{ALIGNED_POLICY, ALIGNMENT, REWARD, TRIALS};
use crate::shell_word::shell_word;
use crate::stage::Stage;
use crate::stages::align::Alignment;
use crate::stages::{align, demonstrate, evaluate_aligned, rank, reward, rollouts, train};
use crate::trials::{Purpose, TrialLog};
use crate::versions::store::History;
use apprentice_core::sha256_file;
use apprentice_reward::StoredReward;

/// Trials of the comparison on the robot that are proposed.
const TRIALS_PROPOSED: usize = 342;

/// The next command; `None` once there is nothing that has to be done.
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
    // What came of other settings, episodes or judgements has to be made anew.
    let done = |stage: &Stage| {
        let mark = context.dir.done(stage.name);
        mark.is_some_and(|mark| {
            out_of_date(&context.dir, &context.run_settings(), stage, &mark)
                .is_ok_and(|why| why.is_empty())
        })
    };
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
        return Some(format!("{} --more 4", rank::STAGE.command));
    }
    if !done(&align::STAGE) || !is_aligned(context) {
        return Some(align::STAGE.command.to_owned());
    }
    let aligned = sha256_file(&context.dir.path(ALIGNED_POLICY)).ok()?;
    let on_robot = !context.config.robot.endpoint.is_empty();
    if on_robot && !is_compared(context, &aligned) {
        return Some(format!(
            "evaluate --on-robot --trials {TRIALS_PROPOSED} --verdict ask"
        ));
    }
    if !on_robot && !done(&evaluate_aligned::STAGE) {
        return Some(evaluate_aligned::STAGE.command.to_owned());
    }
    let history = History::of(&context.dir).ok()?;
    let current = history.current().ok()?;
    let promoted = current.is_some_and(|version| version.sha256 == aligned);
    Some(if promoted { "report" } else { "promote" }.to_owned())
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

/// Whether the policy of this content was tried on the robot beside the base policy.
fn is_compared(context: &Context, aligned: &str) -> bool {
    let log = TrialLog::read(&context.dir.path(TRIALS));
    log.is_ok_and(|log| {
        log.entries
            .iter()
            .any(|t| t.purpose == Purpose::Comparison && t.policy.sha256 == aligned)
    })
}
