//! Evaluation: policies on the same held-out scenes.

use crate::context::Context;
use crate::outcomes::Outcomes;
use crate::policies::watch_policy;
use crate::preference::Preference;
use crate::success::SuccessLabels;
use anyhow::{Result, bail};
use apprentice_statistics::Proportion;
use serde::{Deserialize, Serialize};

/// A policy's success and preference on held-out scenes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Task done, of the episodes of which that is known.
    pub success: Proportion,
    /// Done the preferred way, of all episodes in which it was done.
    pub preferred: Proportion,
    /// Episodes of which nobody knows whether the task was done, or whether the preferred way.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unknown: u64,
}

/// Tries a policy on the held-out scenes.
///
/// # Errors
/// When recording fails.
pub fn evaluate(context: &Context, policy: &str, folder: &str, what: &str) -> Result<()> {
    if !context.config.robot.endpoint.is_empty() {
        bail!(
            "success in held-out scenes is judged by the simulator, and the robot at {} is none; try both policies on it \
             with `apprentice evaluate --on-robot`, where the person at it, or the robot itself, says how each trial went",
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

/// Success and preference of a folder's episodes. Where nobody measured whether the task was done, the newest label a
/// person gave tells; what nobody knows counts neither way.
///
/// # Errors
/// When the operator's preference or the labels cannot be read.
pub fn rates(context: &Context, outcomes: &Outcomes) -> Result<Rates> {
    let preference = Preference::of(&context.config)?;
    let labelled = SuccessLabels::read(context)?.applied(outcomes);
    Ok(Rates::of(&preference, &labelled))
}

impl Rates {
    /// Of these outcomes.
    #[must_use]
    pub fn of(preference: &Preference, outcomes: &Outcomes) -> Self {
        let (mut all, mut success, mut judged, mut preferred, mut unknown) = (0, 0, 0, 0, 0);
        for episode in &outcomes.episodes {
            let (done, liked) = (episode.success(), preference.is_preferred(episode));
            all += u64::from(done.is_some());
            success += u64::from(done == Some(true));
            judged += u64::from(done == Some(true) && liked.is_some());
            preferred += u64::from(liked == Some(true));
            unknown += u64::from(liked.is_none());
        }
        Self {
            success: Proportion::new(success, all),
            preferred: Proportion::new(preferred, judged),
            unknown,
        }
    }
}

/// Whether a count is left out of files.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::outcomes::EpisodeOutcome;
    use apprentice_sim::{Outcome, TaskKind};

    #[test]
    fn what_nobody_knows_counts_neither_way() {
        let task = TaskKind::default();
        let episode = |success: Option<bool>, style: Option<usize>| {
            let mut outcome = Outcome {
                success,
                ..Outcome::default()
            };
            for (name, fact) in style.map_or(&[][..], |s| task.styles()[s].facts) {
                outcome.facts.put(*name, fact.clone());
            }
            EpisodeOutcome {
                id: "abc".into(),
                file: "episode-0000.mcap".into(),
                seed: 1,
                outcome: Some(outcome),
                guard: None,
                added: false,
            }
        };
        let outcomes = Outcomes {
            episodes: vec![
                episode(Some(true), Some(0)),
                episode(Some(true), Some(1)),
                episode(Some(true), None),
                episode(Some(false), None),
                episode(None, None),
            ],
            ..Outcomes::default()
        };
        let preference = Preference::of(&Config::load(None, &[]).unwrap()).unwrap();
        let rates = Rates::of(&preference, &outcomes);
        assert_eq!(rates.success, Proportion::new(3, 4));
        assert_eq!(rates.preferred, Proportion::new(1, 2));
        assert_eq!(rates.unknown, 2);
    }
}
