//! The operator's judgements of a run's rollouts, and what a simulated operator thinks of episodes.

use crate::config::Config;
use crate::context::Context;
use crate::layout::JUDGEMENTS;
use crate::outcomes::Outcomes;
use crate::rounds;
use crate::run_dir::RunDir;
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

/// Who ranked in person in the log of a run; `None` where nobody did, or there is no log.
///
/// # Errors
/// When the log is damaged.
pub fn who_ranked(dir: &RunDir) -> Result<Option<String>> {
    let path = dir.path(JUDGEMENTS);
    if !path.exists() {
        return Ok(None);
    }
    let mut judgements = JudgementLog::read(&path)?.judgements.into_iter();
    let person = judgements.find(|j| is_ranking(j) && j.who != SIMULATED);
    Ok(person.map(|j| j.who))
}

/// Takes out of the log what does not stand any more: rankings by the simulated operator, but for those of earlier rounds
/// of these `rollouts`, and a person's that are not of these `rollouts` alone. Everything else that people said stays; the log as it was is kept beside it.
///
/// # Errors
/// When the log cannot be kept or written. A damaged one is kept as it is, and a new one begun.
pub fn drop_rankings(dir: &RunDir, rollouts: Option<&Outcomes>) -> Result<()> {
    let path = dir.path(JUDGEMENTS);
    if !path.exists() {
        return Ok(());
    }
    let Ok(contents) = JudgementLog::read(&path) else {
        return dir.set_aside(JUDGEMENTS);
    };
    let known: BTreeSet<&EpisodeId> = rollouts
        .iter()
        .flat_map(|list| list.episodes.iter().map(|e| &e.id))
        .collect();
    let earlier = rollouts.map(rounds::earlier).unwrap_or_default();
    let stands = |j: &Judgement| {
        let of = if j.who == SIMULATED { &earlier } else { &known };
        !is_ranking(j) || j.episodes().all(|id| of.contains(id))
    };
    if contents.judgements.iter().all(stands) {
        return Ok(());
    }
    // Written beside it first: at no moment is what people said in neither file.
    let part = dir.path(".judgements.part");
    let _ = std::fs::remove_file(&part);
    let mut log = JudgementLog::open(&part)?;
    for judgement in contents.judgements.iter().filter(|j| stands(j)) {
        log.append(judgement)?;
    }
    let kept = log.judgements().len();
    drop(log);
    dir.set_aside(JUDGEMENTS)?;
    if kept == 0 {
        std::fs::remove_file(&part)?;
    } else {
        std::fs::rename(&part, &path)?;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcomes::EpisodeOutcome;

    #[test]
    fn what_people_said_stays_but_for_rankings_of_what_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::make(folder.path()).unwrap();
        let ranking = |who: &str, of: [&str; 2]| {
            let tiers = of.map(|id| vec![id.into()]).into();
            Judgement::ranking(0, who, 1.0, tiers, None)
        };
        let words = Answer::Utterance {
            text: "slower".into(),
            items: Vec::new(),
        };
        let words = Judgement::new(0, "Ada", words);
        let mut log = JudgementLog::open(dir.path(JUDGEMENTS)).unwrap();
        let (stands, void) = (ranking("Ada", ["a", "b"]), ranking("Ada", ["a", "c"]));
        for judgement in [&stands, &words, &void, &ranking(SIMULATED, ["a", "b"])] {
            log.append(judgement).unwrap();
        }
        let before = std::fs::read(dir.path(JUDGEMENTS)).unwrap();
        let episode = |id: &str| EpisodeOutcome {
            id: id.into(),
            file: format!("{id}.mcap"),
            seed: 0,
            outcome: None,
            guard: None,
            added: false,
        };
        let rollouts = Outcomes {
            episodes: vec![episode("a"), episode("b")],
            ..Outcomes::default()
        };
        assert_eq!(who_ranked(&dir).unwrap().as_deref(), Some("Ada"));
        drop_rankings(&dir, Some(&rollouts)).unwrap();
        let kept = JudgementLog::read(dir.path(JUDGEMENTS)).unwrap().judgements;
        assert_eq!(kept, [stands, words.clone()]);
        let aside = dir.path(&format!("{JUDGEMENTS}.old-1"));
        assert_eq!(std::fs::read(aside).unwrap(), before);
        // Again, there is nothing to take out.
        drop_rankings(&dir, Some(&rollouts)).unwrap();
        assert!(!dir.path(&format!("{JUDGEMENTS}.old-2")).exists());
        drop_rankings(&dir, None).unwrap();
        let kept = JudgementLog::read(dir.path(JUDGEMENTS)).unwrap().judgements;
        assert_eq!(kept, [words]);
    }
}
