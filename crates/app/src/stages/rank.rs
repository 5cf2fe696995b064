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

/// How many of the simulated `rankings` the log holds already, left by a stage that was stopped half-way. A log of
/// other simulated rankings and nothing else is removed.
///
/// # Errors
/// When the log cannot be read, holds rankings of somebody else, or other simulated rankings beside what people said.
fn begun(path: &Path, rankings: &[Judgement]) -> Result<usize> {
    if !path.exists() {
        return Ok(0);
    }
    let found = JudgementLog::read(path)?.judgements;
    let (simulated, of_people): (Vec<&Judgement>, Vec<&Judgement>) =
        found.iter().partition(|j| j.who == SIMULATED);
    if let Some(person) = of_people.iter().find(|j| is_ranking(j)) {
        bail!(
            "{} holds judgements of {}; go on with `apprentice rank`, or simulate in another --out",
            path.display(),
            person.who
        );
    }
    let same = |(old, new): (&&Judgement, &Judgement)| old.answer == new.answer;
    if simulated.len() <= rankings.len() && simulated.iter().zip(rankings).all(same) {
        return Ok(simulated.len());
    }
    if !of_people.is_empty() {
        bail!(
            "{} holds {} rankings of the {SIMULATED} with other settings, and judgements of people; move that file \
             away and rank again",
            path.display(),
            simulated.len()
        );
    }
    std::fs::remove_file(path)?;
    Ok(0)
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

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_preference::Answer;

    #[test]
    fn a_stopped_simulation_goes_on_and_what_people_said_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOG);
        let ranking = |who: &str, best: &str| {
            let tiers = vec![vec![best.into()], vec!["z".into()]];
            Judgement::ranking(0, who, 1.0, tiers, None)
        };
        let rankings = ["a", "b"].map(|best| ranking(SIMULATED, best));
        assert_eq!(begun(&path, &rankings).unwrap(), 0);
        let mut log = JudgementLog::open(&path).unwrap();
        log.append(&rankings[0]).unwrap();
        assert_eq!(begun(&path, &rankings).unwrap(), 1);
        // Of other settings.
        let others = [ranking(SIMULATED, "c")];
        assert_eq!(begun(&path, &others).unwrap(), 0);
        assert!(!path.exists());
        let words = Answer::Utterance {
            text: "slower".into(),
            items: Vec::new(),
        };
        let mut log = JudgementLog::open(&path).unwrap();
        log.append(&Judgement::new(0, "Ada", words)).unwrap();
        assert_eq!(begun(&path, &rankings).unwrap(), 0);
        log.append(&rankings[0]).unwrap();
        assert_eq!(begun(&path, &rankings).unwrap(), 1);
        let refused = begun(&path, &others).unwrap_err().to_string();
        assert!(refused.contains("and judgements of people"), "{refused}");
        log.append(&ranking("Ada", "a")).unwrap();
        let refused = begun(&path, &rankings).unwrap_err().to_string();
        assert!(refused.contains("holds judgements of Ada"), "{refused}");
        assert_eq!(log.judgements().len(), 3);
    }
}
