//! The operator's judgements of a run's rollouts, and what a simulated operator thinks of episodes.

use crate::config::Config;
use crate::context::Context;
use crate::layout::JUDGEMENTS;
use crate::outcomes::Outcomes;
use anyhow::{Result, bail};
use apprentice_episode::EpisodeId;
use apprentice_preference::{Answer, Judgement, JudgementLog};
use std::collections::BTreeSet;
use std::path::Path;

/// Who judges when nobody is there.
pub const SIMULATED: &str = "simulated operator";

/// Whether a judgement is a ranking, answered or skipped.
#[must_use]
pub fn is_ranking(judgement: &Judgement) -> bool {
    matches!(judgement.answer, Answer::Ranking { .. })
}

/// Whether the simulated operator will have enough rollouts to rank.
///
/// # Errors
/// When not.
pub fn check_amounts(config: &Config) -> Result<()> {
    let (rankings, rollouts) = (config.operator.rankings, config.rollouts.episodes);
    let needed = rankings.saturating_mul(4);
    if rollouts < needed {
        bail!(
            "operator.rankings is {rankings}, which needs {needed} rollouts, but rollouts.episodes is {rollouts}; \
             allowed: {} or fewer rankings, or more rollouts",
            rollouts / 4
        );
    }
    Ok(())
}

/// The run's judgements, its rankings of these rollouts only; a line that was cut off is told of and not counted.
///
/// # Errors
/// When there are none, the log is damaged, or one names an episode that is not among the rollouts.
pub fn read_judgements(context: &Context, rollouts: &Outcomes) -> Result<Vec<Judgement>> {
    let path = context.dir.path(JUDGEMENTS);
    let said = JudgementLog::read(&path)?;
    if said.torn_bytes > 0 {
        context.warn(&format!(
            "the last line of {} is cut off ({} bytes); it is not counted, and `apprentice rank` sets it aside",
            path.display(),
            said.torn_bytes
        ));
    }
    check_episodes(&path, &said.judgements, rollouts)?;
    Ok(said.judgements)
}

/// Whether rankings are of these rollouts. Other judgements may be of any episode.
///
/// # Errors
/// When one names an episode that is not among them.
pub fn check_episodes(path: &Path, judgements: &[Judgement], rollouts: &Outcomes) -> Result<()> {
    let known: BTreeSet<&EpisodeId> = rollouts.episodes.iter().map(|e| &e.id).collect();
    for (i, judgement) in judgements.iter().enumerate() {
        if !is_ranking(judgement) {
            continue;
        }
        if let Some(id) = judgement.episodes().find(|id| !known.contains(id)) {
            bail!(
                "{} line {}: judgement {} names episode {}, which is not among the {} rollouts; rank episodes of this \
                 run, or move the file away and rank again",
                path.display(),
                i + 1,
                judgement.id.get(..12).unwrap_or(&judgement.id),
                id.short(),
                known.len()
            );
        }
    }
    Ok(())
}
