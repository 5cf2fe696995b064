//! Rankings: the simulated operator of the demo puts rollouts in order, four at a time.

use crate::config::{Config, Preferred};
use crate::context::Context;
use crate::stages::notes::{Judged, JudgedEpisode, judged};
use anyhow::{Result, bail};
use apprentice_episode::EpisodeId;
use apprentice_preference::{
    Judge as _, JudgeInputs, Judgement, JudgementLog, Question, QuestionKind, SimulatedOperator,
    groups_of_four,
};
use apprentice_sim::Grasp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

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
    let needed = config.rankings.saturating_mul(4);
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
    let questions: Vec<Question> = groups_of_four(&ids, context.seed.derive("groups", 0))
        .into_iter()
        .map(|group| Question::new(QuestionKind::Ranking, group))
        .collect();
    let operator = SimulatedOperator {
        who: SIMULATED.into(),
        error_rate: config.error_rate,
        shuffle: config.shuffle,
    };
    let mut inputs = JudgeInputs {
        utility: &|id| utility.get(id).copied(),
        ..JudgeInputs::nothing(context.seed.derive("operator", 0))
    };
    let rankings = operator.answer(&questions, &mut inputs)?;
    let rankings: Vec<Judgement> = rankings.into_iter().flatten().collect();
    let path = context.dir.path(LOG);
    let there = begun(&path, &rankings)?;
    let mut log = JudgementLog::open(&path)?;
    for judgement in rankings.iter().skip(there) {
        log.append(judgement)?;
    }
    Ok(())
}

/// How many of the simulated `rankings` the log holds already. One that a stopped stage left with nothing else in it
/// is removed, to be written anew.
///
/// # Errors
/// When the log cannot be read, or holds rankings of somebody else.
fn begun(path: &Path, rankings: &[Judgement]) -> Result<usize> {
    if !path.exists() {
        return Ok(0);
    }
    let found = JudgementLog::read(path)?.judgements;
    let of_people = |j: &&Judgement| j.who != SIMULATED;
    if let Some(person) = found.iter().filter(of_people).find(|j| is_ranking(j)) {
        bail!(
            "{} holds judgements of {}; go on with `apprentice rank`, or simulate in another --out",
            path.display(),
            person.who
        );
    }
    if !found.iter().any(|j| j.who != SIMULATED) {
        std::fs::remove_file(path)?;
        return Ok(0);
    }
    // What people said of other things stays.
    let simulated: Vec<&Judgement> = found.iter().filter(|j| j.who == SIMULATED).collect();
    let same = |(old, new): (&&Judgement, &Judgement)| old.id == new.id;
    if simulated.len() > rankings.len() || !simulated.iter().zip(rankings).all(same) {
        bail!(
            "{} holds {} rankings of the {SIMULATED} with other settings, and judgements of people; move that file \
             away and rank again",
            path.display(),
            simulated.len()
        );
    }
    Ok(simulated.len())
}

/// Whether a judgement is a ranking, answered or skipped.
#[must_use]
pub fn is_ranking(judgement: &Judgement) -> bool {
    judgement.answer.kind() == "ranking"
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
pub fn said(context: &Context, rollouts: &Judged) -> Result<Vec<Judgement>> {
    let path = context.dir.path(LOG);
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
pub fn check_episodes(path: &Path, judgements: &[Judgement], rollouts: &Judged) -> Result<()> {
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
