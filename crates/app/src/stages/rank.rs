//! Rankings: the simulated operator of the demo puts rollouts in order, four at a time.

use crate::config::Preferred;
use crate::context::Context;
use crate::stages::scenes::{JudgedEpisode, judged};
use anyhow::{Result, bail};
use apprentice_episode::EpisodeId;
use apprentice_preference::{JudgementLog, SimulatedOperator, groups_of_four};
use apprentice_sim::Grasp;
use std::collections::BTreeMap;

/// Who judges when nobody is there.
pub const SIMULATED: &str = "simulated operator";
/// The operator's judgements.
pub const LOG: &str = "judgements.jsonl";

/// Runs the stage with the simulated operator.
///
/// # Errors
/// When there are too few rollouts or the log cannot be written.
pub fn run(context: &Context) -> Result<()> {
    let notes = judged(context, super::rollout::FOLDER)?;
    let config = &context.config.operator;
    if let Some(unknown) = notes.episodes.iter().find(|e| e.outcome.is_none()) {
        bail!(
            "the simulated operator judges by the simulator's notes, and there are none on {}; rank in person (apprentice rank)",
            unknown.file
        );
    }
    let needed = config.rankings * 4;
    if notes.episodes.len() < needed {
        bail!(
            "operator.rankings is {}, which needs {needed} rollouts, but there are {}; record more (rollouts.episodes)",
            config.rankings,
            notes.episodes.len()
        );
    }
    let utility: BTreeMap<EpisodeId, f64> = notes
        .episodes
        .iter()
        .map(|e| (e.id.clone(), hidden_utility(e, config.prefers)))
        .collect();
    let ids: Vec<EpisodeId> = notes
        .episodes
        .iter()
        .take(needed)
        .map(|e| e.id.clone())
        .collect();
    let groups: Vec<Vec<(EpisodeId, f64)>> = groups_of_four(&ids, context.seed.derive("groups", 0))
        .into_iter()
        .map(|group| {
            group
                .into_iter()
                .map(|id| (id.clone(), utility.get(&id).copied().unwrap_or(0.0)))
                .collect()
        })
        .collect();
    let operator = SimulatedOperator {
        who: SIMULATED.into(),
        error_rate: config.error_rate,
        shuffle: config.shuffle,
        // A simulated operator has no clock, so that the same run gives the same record.
        when_unix_ms: 0,
    };
    let path = context.dir.path(LOG);
    if path.exists() {
        let said = JudgementLog::open(&path)?;
        if let Some(person) = said.judgements().iter().find(|j| j.who != SIMULATED) {
            bail!(
                "{} holds judgements of {}; go on with `apprentice rank`, or simulate in another --out",
                path.display(),
                person.who
            );
        }
        // Left by a stage that was stopped half-way.
        std::fs::remove_file(&path)?;
    }
    let mut log = JudgementLog::open(&path)?;
    for judgement in operator.rank(&groups, context.seed.derive("operator", 0)) {
        log.append(&judgement)?;
    }
    Ok(())
}

/// What the simulated operator thinks of an episode: the preferred way 2, the other 1, a failure 0.
#[must_use]
pub fn hidden_utility(episode: &JudgedEpisode, prefers: Preferred) -> f64 {
    if episode.picked(preferred_grasp(prefers)) {
        2.0
    } else if episode.succeeded() {
        1.0
    } else {
        0.0
    }
}

/// The grasp a preference is for.
#[must_use]
pub fn preferred_grasp(prefers: Preferred) -> Grasp {
    match prefers {
        Preferred::Handle => Grasp::Handle,
        Preferred::Rim => Grasp::Rim,
    }
}
