//! The fresh episodes of a version: those it has not learnt from, as its run recorded them.

use super::fresh::FreshEpisode;
use super::store::History;
use super::version::Version;
use crate::context::Context;
use crate::layout::{ALIGNED_EVALUATION, ALIGNED_POLICY, BASE_EVALUATION, BASE_POLICY, TRIALS};
use crate::outcomes::{EpisodeOutcome, Outcomes, open_all};
use crate::success::SuccessLabels;
use crate::trials::{Trial, TrialLog};
use anyhow::{Context as _, Result};
use apprentice_episode::{DecidedBy, Episode};
use apprentice_sim::Outcome;
use std::collections::BTreeMap;

/// What was lifted higher than this, metres, and ends lower than [`DOWN_M`] was dropped: tasks with these facts put nothing
/// down again.
const LIFTED_M: f64 = 0.05;
/// See there.
const DOWN_M: f64 = 0.02;

/// The fresh episodes of a version, in order of recording; `from` is the one it would replace. What was seen before the
/// watch went back from it is no evidence for it any more.
///
/// # Errors
/// When what is there cannot be read.
pub fn fresh_episodes(
    context: &Context,
    version: &Version,
    from: &Version,
) -> Result<Vec<FreshEpisode>> {
    let history = History::of(&context.dir)?;
    let left_at_s = history.left_by_watch(&version.sha256);
    let mut fresh = match left_at_s {
        None => evaluated(context, version, from)?,
        // Nothing says when the held-out scenes were tried.
        Some(_) => Vec::new(),
    };
    let mut trials = TrialLog::read(&context.dir.path(TRIALS))?.entries;
    trials.retain(|t| left_at_s.is_none_or(|at| t.at_unix_ms / 1_000 > at));
    // What was cut shorter than an attempt takes says little good of a policy, and all that is bad.
    let whole = context.config.rollouts.ticks.div_ceil(2);
    trials.retain(|t| t.guarding.ticks >= whole || FreshEpisode::of_trial(t).is_bad());
    fresh.extend(tried(&trials, version, from));
    Ok(fresh)
}

/// Its trials on a robot; in a comparison, that of the version `from` from the same start is held against it, and counts as
/// done where nobody knows.
#[must_use]
pub fn tried(trials: &[Trial], version: &Version, from: &Version) -> Vec<FreshEpisode> {
    let own = trials.iter().filter(|t| t.policy.sha256 == version.sha256);
    own.map(|trial| {
        let other = trials.iter().find(|t| {
            !trial.comparison.is_empty()
                && t.comparison == trial.comparison
                && t.start.number == trial.start.number
                && t.policy.sha256 == from.sha256
        });
        FreshEpisode {
            other_success: other.map(|t| t.success.known().unwrap_or(true)),
            ..FreshEpisode::of_trial(trial)
        }
    })
    .collect()
}

/// Those of the held-out scenes, if it was this version that was tried there.
fn evaluated(context: &Context, version: &Version, from: &Version) -> Result<Vec<FreshEpisode>> {
    let tried = context.dir.done("evaluate-aligned").and_then(|m| m.inputs);
    let tried = tried.and_then(|i| i.files.get(ALIGNED_POLICY).cloned());
    if tried.as_ref() != Some(&version.sha256) {
        return Ok(Vec::new());
    }
    let comparable = context
        .dir
        .done("evaluate-base")
        .and_then(|m| m.inputs)
        .is_some_and(|i| i.files.get(BASE_POLICY) == Some(&from.sha256));
    let labels = SuccessLabels::read(context)?;
    let read = |folder| Outcomes::of(&context.dir, folder).map(|o| labels.applied(&o));
    let other: BTreeMap<u64, Option<bool>> = read(BASE_EVALUATION)?
        .episodes
        .iter()
        .map(|e| (e.seed, e.success()))
        .collect();
    let matters = &context.config.promotion.interventions;
    let list = read(ALIGNED_EVALUATION)?;
    let recorded = open_all(context, ALIGNED_EVALUATION, &list)
        .context("whether somebody took over in the held-out scenes cannot be told")?;
    let fresh = |(episode, recorded): (&EpisodeOutcome, &Episode)| FreshEpisode {
        success: episode.success(),
        other_success: other
            .get(&episode.seed)
            .filter(|_| comparable)
            .map(|done| done.unwrap_or(true)),
        intervention: episode.guard.as_ref().is_some_and(|g| {
            g.violations > 0 || g.reasons.keys().any(|reason| matters.contains(reason))
        }),
        // A stop ends the evaluation, and the episode it cut short is recorded anew: what is whole had none.
        stop: false,
        takeover: recorded
            .ticks
            .iter()
            .any(|tick| tick.decided_by == DecidedBy::Human),
        drop: episode.outcome.as_ref().and_then(dropped),
    };
    Ok(list.episodes.iter().zip(&recorded).map(fresh).collect())
}

/// Whether something that had been lifted came down again, where a simulator measured that; `None` where none did.
fn dropped(outcome: &Outcome) -> Option<bool> {
    let number = |name| outcome.facts.number(name);
    let (peak, end) = (number("peak_lift_m")?, number("lifted_m")?);
    Some(peak > LIFTED_M && end < DOWN_M)
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_sim::Fact;

    #[test]
    fn what_was_lifted_and_lies_down_again_was_dropped() {
        let ended = |facts: &[(&'static str, f64)]| {
            let mut outcome = Outcome::default();
            for (name, number) in facts {
                outcome.facts.put(*name, Fact::Number(*number));
            }
            dropped(&outcome)
        };
        assert_eq!(
            ended(&[("peak_lift_m", 0.2), ("lifted_m", 0.19)]),
            Some(false)
        );
        assert_eq!(
            ended(&[("peak_lift_m", 0.2), ("lifted_m", 0.1)]),
            Some(false)
        );
        assert_eq!(
            ended(&[("peak_lift_m", 0.2), ("lifted_m", 0.0)]),
            Some(true)
        );
        assert_eq!(
            ended(&[("peak_lift_m", 0.01), ("lifted_m", 0.0)]),
            Some(false)
        );
        assert_eq!(ended(&[("lifted_m", 0.0)]), None);
    }
}
