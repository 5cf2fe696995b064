//! Rankings: the simulated operator of the demo puts rollouts in order, four at a time.

use crate::context::Context;
use crate::judgements::{SIMULATED, is_ranking, read_judgements};
use crate::layout::{JUDGEMENTS, ROLLOUTS};
use crate::outcomes::read_outcomes;
use crate::preference::Preference;
use crate::rounds;
use crate::stage::{Output, Stage};
use crate::work::Work;
use anyhow::{Result, bail};
use apprentice_episode::EpisodeId;
use apprentice_preference::{
    Answer, Judge as _, JudgeInputs, Judgement, JudgementLog, Question, QuestionKind,
    SimulatedOperator, standing,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The stage.
pub static STAGE: Stage = Stage {
    name: "rank",
    about: "rank rollouts by the simulated operator",
    command: "rank",
    reads: &[
        "operator.prefers",
        "operator.rankings",
        "operator.error_rate",
        "operator.shuffle",
        "operator.takes_back",
    ],
    amount: Some("operator.rankings"),
    needs: &["rollouts"],
    writes: &[Output::Judgements(JUDGEMENTS)],
    drives_robot: false,
    computes: false,
    work: |config| vec![Work::Rankings(config.operator.rankings as u64)],
    run,
    summary,
};

/// Runs the stage with the simulated operator.
///
/// # Errors
/// When there are too few rollouts or the log cannot be written.
fn run(context: &Context) -> Result<()> {
    let mut notes = read_outcomes(context, ROLLOUTS)?;
    // Nobody measured what others put there.
    notes.episodes.retain(|e| !e.added || e.outcome.is_some());
    let config = &context.config.operator;
    if !context.config.robot.endpoint.is_empty() {
        bail!(
            "the simulated operator judges by what the simulator saw, and the robot at {} is none: what it tells of its \
             episodes is for evaluation alone; rank in person (apprentice rank)",
            context.config.robot.endpoint
        );
    }
    if let Some(unknown) = notes.episodes.iter().find(|e| e.outcome.is_none()) {
        bail!(
            "the simulated operator judges by the outcomes the simulator saw, and there is none of {}; rank in person (apprentice rank)",
            unknown.file
        );
    }
    let round = rounds::newest(&notes);
    let needed = config.rankings.saturating_mul(4);
    if round == 1 && notes.episodes.len() < needed {
        bail!(
            "operator.rankings is {}, which needs {needed} rollouts, but there are {}; record more (rollouts.episodes)",
            config.rankings,
            notes.episodes.len()
        );
    }
    let preference = Preference::of(&context.config)?;
    let utility: BTreeMap<EpisodeId, f64> = notes
        .episodes
        .iter()
        .map(|e| Ok((e.id.clone(), preference.utility(e)?)))
        .collect::<Result<_>>()?;
    if !notes
        .episodes
        .iter()
        .any(|e| preference.is_preferred(e) == Some(true))
    {
        let most = utility.values().copied().fold(f64::NEG_INFINITY, f64::max);
        context.warn(&format!(
            "no rollout counts as preferred: operator.prefers comes to {most:.3} at most, and episodes that succeed count from \
             operator.preferred_from = {} on",
            config.preferred_from
        ));
    }
    if round == 1 {
        notes.episodes.truncate(needed);
    }
    let groups = rounds::groups(&notes, context.seed.derive("groups", 0));
    if groups.len() < config.rankings {
        bail!(
            "operator.rankings is {}, but the episodes of round {round} and of earlier ones give {} groups of two and two; \
             record more (--episodes), or set fewer rankings",
            config.rankings,
            groups.len()
        );
    }
    let questions: Vec<Question> = groups
        .into_iter()
        .take(config.rankings)
        .map(|group| Question::new(QuestionKind::Ranking, group))
        .collect();
    let operator = SimulatedOperator {
        who: SIMULATED.into(),
        error_rate: config.error_rate,
        shuffle: config.shuffle,
    };
    let mut inputs = JudgeInputs {
        utility: &|id| utility.get(id).copied(),
        ..JudgeInputs::nothing(context.seed.derive("operator", round as u64 - 1))
    };
    let rankings = operator.answer(&questions, &mut inputs)?;
    let rankings: Vec<Judgement> = rankings.into_iter().flatten().collect();
    let path = context.dir.path(JUDGEMENTS);
    let there = begun(&path, &rankings, &rounds::earlier(&notes))?;
    let mut log = JudgementLog::open(&path)?;
    let before = standing(log.judgements());
    if config.takes_back && there == 0 && before.iter().any(|j| j.who == SIMULATED) {
        let judgements = Vec::new();
        let back = Judgement::new(0, SIMULATED, Answer::Revocation { judgements });
        log.append(&back)?;
    }
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
fn begun(path: &Path, rankings: &[Judgement], earlier: &BTreeSet<&EpisodeId>) -> Result<usize> {
    if !path.exists() {
        return Ok(0);
    }
    let found = JudgementLog::read(path)?.judgements;
    let (simulated, of_people): (Vec<&Judgement>, Vec<&Judgement>) =
        found.iter().partition(|j| j.who == SIMULATED);
    let of_simulated = simulated.len();
    let simulated: Vec<&Judgement> = simulated
        .into_iter()
        .filter(|j| is_ranking(j) && j.episodes().any(|id| !earlier.contains(id)))
        .collect();
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
    if !of_people.is_empty() || of_simulated > simulated.len() {
        bail!(
            "{} holds {} rankings of the {SIMULATED} with other settings, and judgements of people or of earlier rounds; move \
             that file away and rank again",
            path.display(),
            simulated.len()
        );
    }
    std::fs::remove_file(path)?;
    Ok(0)
}

fn summary(context: &Context) -> Result<Value> {
    let mut judgements = read_judgements(context, &read_outcomes(context, ROLLOUTS)?)?;
    judgements.retain(is_ranking);
    let skipped = judgements.iter().filter(|j| j.skipped).count();
    let who: BTreeSet<&str> = judgements.iter().map(|j| j.who.as_str()).collect();
    Ok(json!({
        "rankings": judgements.len() - skipped, "skipped": skipped, "operators": who,
        "log": context.dir.path(JUDGEMENTS),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_simulation_goes_on_and_what_people_said_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(JUDGEMENTS);
        let ranking = |who: &str, best: &str| {
            let tiers = vec![vec![best.into()], vec!["z".into()]];
            Judgement::ranking(0, who, 1.0, tiers, None)
        };
        let rankings = ["a", "b"].map(|best| ranking(SIMULATED, best));
        assert_eq!(begun(&path, &rankings, &BTreeSet::new()).unwrap(), 0);
        let mut log = JudgementLog::open(&path).unwrap();
        log.append(&rankings[0]).unwrap();
        assert_eq!(begun(&path, &rankings, &BTreeSet::new()).unwrap(), 1);
        // Of other settings.
        let others = [ranking(SIMULATED, "c")];
        assert_eq!(begun(&path, &others, &BTreeSet::new()).unwrap(), 0);
        assert!(!path.exists());
        let words = Answer::Utterance {
            text: "slower".into(),
            items: Vec::new(),
        };
        let mut log = JudgementLog::open(&path).unwrap();
        log.append(&Judgement::new(0, "Ada", words)).unwrap();
        assert_eq!(begun(&path, &rankings, &BTreeSet::new()).unwrap(), 0);
        log.append(&rankings[0]).unwrap();
        assert_eq!(begun(&path, &rankings, &BTreeSet::new()).unwrap(), 1);
        let refused = begun(&path, &others, &BTreeSet::new())
            .unwrap_err()
            .to_string();
        assert!(refused.contains("and judgements of people"), "{refused}");
        log.append(&ranking("Ada", "a")).unwrap();
        let refused = begun(&path, &rankings, &BTreeSet::new())
            .unwrap_err()
            .to_string();
        assert!(refused.contains("holds judgements of Ada"), "{refused}");
        assert_eq!(log.judgements().len(), 3);
    }
}
