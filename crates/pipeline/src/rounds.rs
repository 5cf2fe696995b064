//! Rounds of rollouts: after the first, each is recorded by a policy of its own, in a folder of its own, and joins the
//! rollouts when they are ranked next.
//!
//! Round 1 is what the stage `rollouts` records. Round N lies in `rounds/000N` while it is recorded; its episodes join
//! the rollouts as `round-000N-episode-0000.mcap` and so on (links to the same files), with what was measured of them.
//! So nothing of an earlier round is touched, and what is recorded while a policy is aligned belongs to the next round.

use crate::context::Context;
use crate::layout::{ROLLOUTS, outcomes_file, unfinished_outcomes_file};
use crate::outcomes::{EpisodeOutcome, Outcomes};
use crate::policies::watch_policy;
use crate::run_dir::RunDir;
use crate::run_lock::{Activity, take, try_take};
use anyhow::{Context as _, Result};
use apprentice_core::Seed;
use apprentice_episode::EpisodeId;
use apprentice_preference::{Judgement, groups_of_four};
use rand::seq::SliceRandom as _;
use std::collections::BTreeSet;
use std::fs;

/// Episodes of the newest round in a group of four, and of earlier ones.
const HALF: usize = 2;

/// Where rounds are recorded.
const ROUNDS: &str = "rounds";

/// The round an episode of the rollouts is of, 1 for the first.
#[must_use]
pub fn round_of(episode: &EpisodeOutcome) -> usize {
    let number = (episode.file.strip_prefix("round-")).and_then(|rest| rest.split('-').next());
    number.and_then(|n| n.parse().ok()).unwrap_or(1)
}

/// The newest round among rollouts, 1 where there is but the first.
#[must_use]
pub fn newest(rollouts: &Outcomes) -> usize {
    rollouts.episodes.iter().map(round_of).max().unwrap_or(1)
}

/// Episodes of rounds before the newest.
#[must_use]
pub fn earlier(rollouts: &Outcomes) -> BTreeSet<&EpisodeId> {
    let newest = newest(rollouts);
    let before = rollouts.episodes.iter().filter(|e| round_of(e) < newest);
    before.map(|e| &e.id).collect()
}

/// Whether a judgement is about the newest round, if only in part.
#[must_use]
pub fn is_of_newest(judgement: &Judgement, rollouts: &Outcomes) -> bool {
    let earlier = earlier(rollouts);
    judgement.episodes().any(|id| !earlier.contains(id))
}

/// Groups of four to be ranked. After the first round each has two episodes of the newest and two of earlier ones: a
/// policy that has learnt to do everything one way shows no other, and a wish that changed would find nothing to prefer.
#[must_use]
pub fn groups(rollouts: &Outcomes, seed: Seed) -> Vec<Vec<EpisodeId>> {
    let earlier = earlier(rollouts);
    let ids = |wanted: bool| -> Vec<EpisodeId> {
        let episodes = rollouts.episodes.iter();
        let of = episodes.filter(|e| earlier.contains(&e.id) == wanted);
        of.map(|e| e.id.clone()).collect()
    };
    if earlier.is_empty() {
        return groups_of_four(&ids(false), seed);
    }
    let (mut new, mut old) = (ids(false), ids(true));
    let round = newest(rollouts) as u64;
    new.shuffle(&mut seed.derive("new", round).rng());
    old.shuffle(&mut seed.derive("old", round).rng());
    let pairs = new.chunks_exact(HALF).zip(old.chunks_exact(HALF));
    pairs.map(|(new, old)| [new, old].concat()).collect()
}

/// Folder of a round, below the run's.
#[must_use]
pub fn folder(round: usize) -> String {
    format!("{ROUNDS}/{round:04}")
}

/// Records the next round, of so many episodes (`rollouts.episodes` without), with the policy in a file, or goes on with
/// one that was stopped; answers which it is. It joins the rollouts when they are ranked next.
///
/// # Errors
/// When somebody else is recording in this run, or policy or recording fail.
pub fn record_round(context: &Context, policy: &str, episodes: Option<usize>) -> Result<usize> {
    let dir = &context.dir;
    let _recording = take(dir, Activity::Recording)?;
    let finished = |round: &usize| dir.path(&outcomes_file(&folder(*round))).exists();
    let round = (2..).find(|round| !finished(round)).unwrap_or(2);
    let rollouts = &context.config.rollouts;
    let seeds = (0..episodes.unwrap_or(rollouts.episodes) as u64)
        .map(|i| context.seed.derive(&format!("rollout of round {round}"), i))
        .collect();
    let name = format!("round {round}");
    watch_policy(
        context,
        policy,
        &folder(round),
        &name,
        seeds,
        rollouts.ticks,
    )?;
    Ok(round)
}

/// Lets every round that is whole join the rollouts, unless somebody is learning from them; answers the newest that has.
///
/// # Errors
/// When files cannot be linked or lists not be written; the rollouts are then as they were.
pub fn join_rounds(dir: &RunDir) -> Result<usize> {
    let Ok(mut rollouts) = Outcomes::of(dir, ROLLOUTS) else {
        return Ok(1);
    };
    let Some(_learning) = try_take(dir, Activity::Learning)? else {
        return Ok(newest(&rollouts));
    };
    if dir.path(&unfinished_outcomes_file(ROLLOUTS)).exists() {
        return Ok(newest(&rollouts));
    }
    let before = rollouts.clone();
    for round in 2.. {
        let Ok(recorded) = Outcomes::of(dir, &folder(round)) else {
            break;
        };
        for episode in &recorded.episodes {
            join(dir, &mut rollouts, round, episode)?;
        }
        if !before.episodes.iter().any(|e| round_of(e) == round) {
            rollouts.guard += &recorded.guard;
        }
    }
    if rollouts != before {
        dir.write(&outcomes_file(ROLLOUTS), &rollouts)?;
    }
    Ok(newest(&rollouts))
}

fn join(
    dir: &RunDir,
    rollouts: &mut Outcomes,
    round: usize,
    episode: &EpisodeOutcome,
) -> Result<()> {
    let from = dir.path(&folder(round)).join(&episode.file);
    let file = format!("round-{round:04}-{}", episode.file);
    let to = dir.path(ROLLOUTS).join(&file);
    let there = rollouts.episodes.iter_mut().find(|e| e.id == episode.id);
    match there {
        // Found in the folder before its outcome was known.
        Some(there) if there.outcome.is_none() => there.outcome.clone_from(&episode.outcome),
        Some(_) => {}
        // Taken out by a person.
        None if !from.exists() => {}
        None => {
            if !to.exists() && fs::hard_link(&from, &to).is_err() {
                fs::copy(&from, &to).with_context(|| {
                    format!("{} cannot be copied to {}", from.display(), to.display())
                })?;
            }
            rollouts.episodes.push(EpisodeOutcome {
                file,
                added: true,
                ..episode.clone()
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder_changes::follow_folder;
    use crate::sample_episode::sample_episode;
    use apprentice_episode::EpisodeWriter;
    use apprentice_sim::Outcome;

    fn record(dir: &RunDir, folder: &str, seed: u64) -> EpisodeOutcome {
        fs::create_dir_all(dir.path(folder)).unwrap();
        let mut sample = sample_episode(1.0);
        sample.meta.seed = seed;
        let path = dir.path(folder).join("episode-0000.mcap");
        let mut writer = EpisodeWriter::create(path, &sample.meta).unwrap();
        writer.tick(&sample.ticks[0]).unwrap();
        let entry = writer.finish().unwrap();
        EpisodeOutcome {
            id: entry.id,
            file: entry.file,
            seed,
            outcome: Some(Outcome {
                success: Some(true),
                ..Outcome::default()
            }),
            guard: None,
            added: false,
        }
    }

    fn list(episode: EpisodeOutcome) -> Outcomes {
        Outcomes {
            episodes: vec![episode],
            ..Outcomes::default()
        }
    }

    #[test]
    fn a_round_joins_once_it_is_whole_and_nobody_learns() {
        let root = tempfile::tempdir().unwrap();
        let dir = RunDir::make(root.path()).unwrap();
        let first = list(record(&dir, ROLLOUTS, 1));
        dir.write(&outcomes_file(ROLLOUTS), &first).unwrap();
        assert_eq!(join_rounds(&dir).unwrap(), 1);
        let second = list(record(&dir, &folder(2), 2));
        // Not whole yet.
        dir.write(&unfinished_outcomes_file(&folder(2)), &second)
            .unwrap();
        assert_eq!(join_rounds(&dir).unwrap(), 1);
        dir.write(&outcomes_file(&folder(2)), &second).unwrap();
        let learning = take(&dir, Activity::Learning).unwrap();
        assert_eq!(join_rounds(&dir).unwrap(), 1);
        assert_eq!(Outcomes::of(&dir, ROLLOUTS).unwrap(), first);
        drop(learning);
        assert_eq!(join_rounds(&dir).unwrap(), 2);
        let both = Outcomes::of(&dir, ROLLOUTS).unwrap();
        assert_eq!(both.episodes[0], first.episodes[0]);
        assert_eq!(both.episodes[1].file, "round-0002-episode-0000.mcap");
        assert_eq!(both.episodes[1].outcome, second.episodes[0].outcome);
        assert_eq!(
            both.episodes.iter().map(round_of).collect::<Vec<_>>(),
            [1, 2]
        );
        assert_eq!(
            earlier(&both).into_iter().collect::<Vec<_>>(),
            [&first.episodes[0].id]
        );
        // Again nothing changes, and the folder is as the list says.
        assert_eq!(join_rounds(&dir).unwrap(), 2);
        follow_folder(&dir, ROLLOUTS, true).unwrap();
        assert_eq!(Outcomes::of(&dir, ROLLOUTS).unwrap(), both);
    }

    #[test]
    fn a_round_whose_joining_was_cut_short_joins_with_what_was_measured() {
        let root = tempfile::tempdir().unwrap();
        let dir = RunDir::make(root.path()).unwrap();
        let first = list(record(&dir, ROLLOUTS, 1));
        dir.write(&outcomes_file(ROLLOUTS), &first).unwrap();
        let second = list(record(&dir, &folder(2), 2));
        dir.write(&outcomes_file(&folder(2)), &second).unwrap();
        // The link is there, the list is not.
        let from = dir.path(&folder(2)).join("episode-0000.mcap");
        fs::hard_link(
            from,
            dir.path(ROLLOUTS).join("round-0002-episode-0000.mcap"),
        )
        .unwrap();
        follow_folder(&dir, ROLLOUTS, true).unwrap();
        let found = Outcomes::of(&dir, ROLLOUTS).unwrap();
        assert_eq!(found.episodes[1].outcome, None);
        join_rounds(&dir).unwrap();
        let joined = Outcomes::of(&dir, ROLLOUTS).unwrap();
        assert_eq!(joined.episodes.len(), 2);
        assert_eq!(joined.episodes[1].outcome, second.episodes[0].outcome);
    }
}
