//! What an earlier recording left in a folder: all of it, a part that can be gone on from, or
//! something else, which is moved aside. Nothing recorded is ever deleted but the half of a simulated
//! group that the same seeds give again.

use crate::layout::{outcomes_file, unfinished_outcomes_file};
use crate::outcomes::{EpisodeOutcome, Outcomes};
use crate::run_dir::RunDir;
use anyhow::{Context as _, Result};
use apprentice_control::EpisodePlan;
use apprentice_episode::Catalog;
use std::collections::BTreeMap;
use std::fs;

/// A folder that is to hold a recording, and what it should become.
pub struct Wanted<'a> {
    /// Folder below the run's.
    pub folder: &'a str,
    /// The episodes, in order.
    pub plans: &'a [EpisodePlan],
    /// Ticks of each.
    pub ticks: u64,
    /// Episodes recorded at the same time.
    pub group: usize,
    /// Whether the same seeds give the same episodes again.
    pub simulated: bool,
}

impl Outcomes {
    /// The plans that nothing is recorded of yet.
    #[must_use]
    pub fn missing(&self, plans: &[EpisodePlan]) -> Vec<EpisodePlan> {
        let there = |plan: &EpisodePlan| self.episodes.iter().any(|e| is_of(e, plan));
        plans.iter().filter(|p| !there(p)).cloned().collect()
    }

    /// Puts the episodes in the order of their plans; those that others added come last.
    pub fn put_in_order(&mut self, plans: &[EpisodePlan]) {
        self.episodes.sort_by_cached_key(|e| {
            let place = plans.iter().position(|plan| is_of(e, plan));
            place.unwrap_or(plans.len())
        });
    }
}

/// Whether an episode lies where this plan puts its own.
fn is_of(episode: &EpisodeOutcome, plan: &EpisodePlan) -> bool {
    plan.path
        .file_name()
        .is_some_and(|name| *name == *episode.file)
        && !episode.added
}

/// Makes room for what is left to record; answers what is there already.
///
/// # Errors
/// When the folder cannot be read, or something cannot be moved aside.
pub fn resume(dir: &RunDir, wanted: &Wanted<'_>) -> Result<Outcomes> {
    let (folder, plans) = (wanted.folder, wanted.plans);
    let path = dir.path(folder);
    if !path.exists() {
        return start(dir, folder);
    }
    let whole = Outcomes::of(dir, folder).ok();
    // A beginning beside the list of a whole recording says nothing about the files.
    let part: Option<Outcomes> = dir
        .read(&unfinished_outcomes_file(folder))
        .ok()
        .filter(|p: &Outcomes| whole.is_none() || !p.episodes.is_empty());
    let begun = part.is_some();
    for list in [part, whole].into_iter().flatten() {
        if is_part_of(&list, wanted)? {
            let missing = list.missing(plans);
            make_room(dir, wanted, &missing, begun)?;
            if !missing.is_empty() {
                dir.write(&unfinished_outcomes_file(folder), &list)?;
            }
            return Ok(list);
        }
    }
    let empty = fs::read_dir(&path)
        .with_context(|| format!("{} cannot be read", path.display()))?
        .next()
        .is_none();
    if !empty {
        dir.set_aside(folder)?;
        dir.set_aside(&outcomes_file(folder))?;
    }
    start(dir, folder)
}

/// Takes away what lies where the missing episodes are to be recorded.
fn make_room(
    dir: &RunDir,
    wanted: &Wanted<'_>,
    missing: &[EpisodePlan],
    begun: bool,
) -> Result<()> {
    for (i, plan) in missing.iter().enumerate() {
        if !plan.path.exists() {
            continue;
        }
        if wanted.simulated && begun && i < wanted.group {
            fs::remove_file(&plan.path)
                .with_context(|| format!("{} cannot be removed", plan.path.display()))?;
        } else if let Some(name) = plan.path.file_name() {
            dir.set_aside(&format!("{}/{}", wanted.folder, name.to_string_lossy()))?;
        }
    }
    Ok(())
}

/// Says on disk that a recording has begun, so that what it leaves half-way is known as such.
fn start(dir: &RunDir, folder: &str) -> Result<Outcomes> {
    let path = dir.path(folder);
    fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    let none = Outcomes::default();
    dir.write(&unfinished_outcomes_file(folder), &none)?;
    Ok(none)
}

/// Whether every episode of the list is one of these plans, or was added, and its file is what was recorded.
fn is_part_of(list: &Outcomes, wanted: &Wanted<'_>) -> Result<bool> {
    let plans = wanted.plans;
    let Some(folder) = plans.first().and_then(|p| p.path.parent()) else {
        return Ok(false);
    };
    let catalog = Catalog::rebuild(folder)?;
    let there: BTreeMap<&str, _> = catalog
        .entries()
        .iter()
        .map(|e| (e.file.as_str(), e))
        .collect();
    Ok(list.episodes.iter().all(|episode| {
        let Some(entry) = there.get(episode.file.as_str()) else {
            return false;
        };
        let as_planned = || {
            plans
                .iter()
                .find(|p| is_of(episode, p))
                .is_some_and(|plan| {
                    episode.seed == plan.seed.0
                        && entry.meta == plan.meta
                        && entry.ticks as u64 == wanted.ticks
                })
        };
        entry.id == episode.id && entry.complete && (episode.added || as_planned())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample_episode::sample_episode;
    use apprentice_core::Seed;
    use apprentice_episode::EpisodeWriter;

    const FOLDER: &str = "demonstrations";

    struct Run {
        _folder: tempfile::TempDir,
        dir: RunDir,
        plans: Vec<EpisodePlan>,
    }

    fn run(count: u64) -> Run {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::make(folder.path()).unwrap();
        let plans = (0..count)
            .map(|i| {
                let mut meta = sample_episode(1.0).meta;
                meta.seed = i;
                EpisodePlan {
                    path: dir.path(FOLDER).join(format!("episode-{i:04}.mcap")),
                    meta,
                    seed: Seed(i),
                }
            })
            .collect();
        Run {
            _folder: folder,
            dir,
            plans,
        }
    }

    impl Run {
        fn record(&self, plan: &EpisodePlan) -> EpisodeOutcome {
            fs::create_dir_all(self.dir.path(FOLDER)).unwrap();
            let mut writer = EpisodeWriter::create(&plan.path, &plan.meta).unwrap();
            for tick in &sample_episode(1.0).ticks[..2] {
                writer.tick(tick).unwrap();
            }
            let entry = writer.finish().unwrap();
            EpisodeOutcome {
                id: entry.id,
                file: entry.file,
                seed: plan.seed.0,
                outcome: None,
                guard: None,
                added: false,
            }
        }

        fn list(&self, count: usize) -> Outcomes {
            Outcomes {
                episodes: self.plans[..count].iter().map(|p| self.record(p)).collect(),
                ..Outcomes::default()
            }
        }

        fn resume(&self, plans: &[EpisodePlan], simulated: bool) -> Outcomes {
            let wanted = Wanted {
                folder: FOLDER,
                plans,
                ticks: 2,
                group: if simulated { 2 } else { 1 },
                simulated,
            };
            resume(&self.dir, &wanted).unwrap()
        }

        fn files(&self, folder: &str) -> usize {
            fs::read_dir(self.dir.path(folder)).map_or(0, |entries| {
                entries
                    .flatten()
                    .filter(|e| e.path().extension().is_some_and(|x| x == "mcap"))
                    .count()
            })
        }
    }

    #[test]
    fn a_whole_recording_stands_even_where_its_mark_is_lost() {
        let run = run(4);
        let list = run.list(4);
        run.dir.write(&outcomes_file(FOLDER), &list).unwrap();
        assert_eq!(run.resume(&run.plans, true), list);
        assert_eq!(run.files(FOLDER), 4);
        assert!(!run.dir.path("demonstrations.old-1").exists());
    }

    #[test]
    fn more_episodes_of_the_same_kind_go_on_after_those_there_are() {
        let run = run(6);
        let list = run.list(4);
        run.dir.write(&outcomes_file(FOLDER), &list).unwrap();
        assert_eq!(run.resume(&run.plans, true), list);
        assert_eq!(run.files(FOLDER), 4);
    }

    #[test]
    fn what_is_no_continuation_is_moved_aside_whole() {
        let run = run(4);
        let list = run.list(4);
        run.dir.write(&outcomes_file(FOLDER), &list).unwrap();
        // Fewer than there are, another seed, a file that lost its end, no list at all.
        assert_eq!(run.resume(&run.plans[..2], true), Outcomes::default());
        assert_eq!(run.files("demonstrations.old-1"), 4);
        assert!(run.dir.path("judge/demonstrations.json.old-1").exists());

        let list = run.list(4);
        run.dir.write(&outcomes_file(FOLDER), &list).unwrap();
        let mut other = run.plans.clone();
        other[1].seed = Seed(99);
        assert_eq!(run.resume(&other, true), Outcomes::default());
        assert_eq!(run.files("demonstrations.old-2"), 4);

        let list = run.list(4);
        run.dir.write(&outcomes_file(FOLDER), &list).unwrap();
        let bytes = fs::read(&run.plans[3].path).unwrap();
        fs::write(&run.plans[3].path, &bytes[..bytes.len() / 2]).unwrap();
        assert_eq!(run.resume(&run.plans, true), Outcomes::default());
        assert_eq!(run.files("demonstrations.old-3"), 4);

        run.list(3);
        fs::remove_file(run.dir.path(&unfinished_outcomes_file(FOLDER))).unwrap();
        assert_eq!(run.resume(&run.plans, false), Outcomes::default());
        assert_eq!(run.files("demonstrations.old-4"), 3);
    }

    #[test]
    fn only_the_half_of_a_simulated_group_is_removed() {
        for simulated in [true, false] {
            let run = run(6);
            let list = run.list(2);
            run.dir
                .write(&unfinished_outcomes_file(FOLDER), &list)
                .unwrap();
            run.record(&run.plans[2]);
            assert_eq!(run.resume(&run.plans, simulated), list);
            assert_eq!(run.files(FOLDER), 2);
            let aside = run.dir.path("demonstrations/episode-0002.mcap.old-1");
            assert_eq!(aside.exists(), !simulated);
        }
    }
}
