//! What an earlier recording left in a folder: all of it, a part that can be gone on from, or
//! something else, which is moved aside. Nothing recorded is ever deleted but the half of a simulated
//! group that the same seeds give again.

use crate::run_dir::RunDir;
use crate::stages::notes::{Judged, notes_file};
use anyhow::{Context as _, Result};
use apprentice_episode::Catalog;
use apprentice_runtime::EpisodePlan;
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

/// Notes while a recording goes on, below the run's folder.
#[must_use]
pub fn unfinished_file(folder: &str) -> String {
    notes_file(folder).replace(".json", ".unfinished.json")
}

/// Makes room for what is left to record; answers the notes of what is there already.
///
/// # Errors
/// When the folder cannot be read, or something cannot be moved aside.
pub fn take_over(dir: &RunDir, wanted: &Wanted<'_>) -> Result<Judged> {
    let (folder, plans) = (wanted.folder, wanted.plans);
    let path = dir.path(folder);
    if !path.exists() {
        return start(dir, folder);
    }
    let whole: Option<Judged> = dir.read(&notes_file(folder)).ok();
    // A beginning beside notes of a whole recording says nothing about the files.
    let part: Option<Judged> = dir
        .read(&unfinished_file(folder))
        .ok()
        .filter(|p: &Judged| whole.is_none() || !p.episodes.is_empty());
    let begun = part.is_some();
    for notes in [part, whole].into_iter().flatten() {
        if continues(&notes, wanted)? {
            clear_the_rest(dir, wanted, notes.episodes.len(), begun)?;
            if notes.episodes.len() < plans.len() {
                dir.write(&unfinished_file(folder), &notes)?;
            }
            return Ok(notes);
        }
    }
    let empty = fs::read_dir(&path)
        .with_context(|| format!("{} cannot be read", path.display()))?
        .next()
        .is_none();
    if !empty {
        dir.set_aside(folder)?;
        dir.set_aside(&notes_file(folder))?;
    }
    start(dir, folder)
}

/// Takes away what lies where episodes after the `first` are to be recorded.
fn clear_the_rest(dir: &RunDir, wanted: &Wanted<'_>, first: usize, begun: bool) -> Result<()> {
    for (i, plan) in wanted.plans.iter().enumerate().skip(first) {
        if !plan.path.exists() {
            continue;
        }
        if wanted.simulated && begun && i < first + wanted.group {
            fs::remove_file(&plan.path)
                .with_context(|| format!("{} cannot be removed", plan.path.display()))?;
        } else if let Some(name) = plan.path.file_name() {
            dir.set_aside(&format!("{}/{}", wanted.folder, name.to_string_lossy()))?;
        }
    }
    Ok(())
}

/// Says on disk that a recording has begun, so that what it leaves half-way is known as such.
fn start(dir: &RunDir, folder: &str) -> Result<Judged> {
    let path = dir.path(folder);
    fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    let none = Judged::default();
    dir.write(&unfinished_file(folder), &none)?;
    Ok(none)
}

/// Whether the notes are of the first of these plans and their files are what was recorded.
fn continues(notes: &Judged, wanted: &Wanted<'_>) -> Result<bool> {
    let (done, plans) = (notes.episodes.len(), wanted.plans);
    let groups_are_whole = done.is_multiple_of(wanted.group.max(1)) || done == plans.len();
    if done > plans.len() || !groups_are_whole {
        return Ok(false);
    }
    let Some(folder) = plans.first().and_then(|p| p.path.parent()) else {
        return Ok(false);
    };
    let catalog = Catalog::rebuild(folder)?;
    let there: BTreeMap<&str, _> = catalog
        .entries()
        .iter()
        .map(|e| (e.file.as_str(), e))
        .collect();
    Ok(notes.episodes.iter().zip(plans).all(|(note, plan)| {
        note.seed == plan.seed.0
            && there.get(note.file.as_str()).is_some_and(|entry| {
                folder.join(&note.file) == plan.path
                    && entry.id == note.id
                    && entry.meta == plan.meta
                    && entry.ticks as u64 == wanted.ticks
                    && entry.complete
            })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::report::sample;
    use crate::run_dir::RunInfo;
    use crate::stages::notes::JudgedEpisode;
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
        let info = RunInfo::new(1, "flex".into(), Config::load(None, &[]).unwrap());
        let dir = RunDir::start(folder.path(), &info, None).unwrap();
        let plans = (0..count)
            .map(|i| {
                let mut meta = sample::episode(1.0).meta;
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
        fn record(&self, plan: &EpisodePlan) -> JudgedEpisode {
            fs::create_dir_all(self.dir.path(FOLDER)).unwrap();
            let mut writer = EpisodeWriter::create(&plan.path, &plan.meta).unwrap();
            for tick in &sample::episode(1.0).ticks[..2] {
                writer.tick(tick).unwrap();
            }
            let entry = writer.finish().unwrap();
            JudgedEpisode {
                id: entry.id,
                file: entry.file,
                seed: plan.seed.0,
                outcome: None,
            }
        }

        fn notes(&self, count: usize) -> Judged {
            Judged {
                episodes: self.plans[..count].iter().map(|p| self.record(p)).collect(),
                ..Judged::default()
            }
        }

        fn take_over(&self, plans: &[EpisodePlan], simulated: bool) -> Judged {
            let wanted = Wanted {
                folder: FOLDER,
                plans,
                ticks: 2,
                group: if simulated { 2 } else { 1 },
                simulated,
            };
            take_over(&self.dir, &wanted).unwrap()
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
        let notes = run.notes(4);
        run.dir.write(&notes_file(FOLDER), &notes).unwrap();
        assert_eq!(run.take_over(&run.plans, true), notes);
        assert_eq!(run.files(FOLDER), 4);
        assert!(!run.dir.path("demonstrations.old-1").exists());
    }

    #[test]
    fn more_episodes_of_the_same_kind_go_on_after_those_there_are() {
        let run = run(6);
        let notes = run.notes(4);
        run.dir.write(&notes_file(FOLDER), &notes).unwrap();
        assert_eq!(run.take_over(&run.plans, true), notes);
        assert_eq!(run.files(FOLDER), 4);
    }

    #[test]
    fn what_is_no_continuation_is_moved_aside_whole() {
        let run = run(4);
        let notes = run.notes(4);
        run.dir.write(&notes_file(FOLDER), &notes).unwrap();
        // Fewer than there are, another seed, a file that lost its end, no notes at all.
        assert_eq!(run.take_over(&run.plans[..2], true), Judged::default());
        assert_eq!(run.files("demonstrations.old-1"), 4);
        assert!(run.dir.path("judge/demonstrations.json.old-1").exists());

        let notes = run.notes(4);
        run.dir.write(&notes_file(FOLDER), &notes).unwrap();
        let mut other = run.plans.clone();
        other[1].seed = Seed(99);
        assert_eq!(run.take_over(&other, true), Judged::default());
        assert_eq!(run.files("demonstrations.old-2"), 4);

        let notes = run.notes(4);
        run.dir.write(&notes_file(FOLDER), &notes).unwrap();
        let bytes = fs::read(&run.plans[3].path).unwrap();
        fs::write(&run.plans[3].path, &bytes[..bytes.len() / 2]).unwrap();
        assert_eq!(run.take_over(&run.plans, true), Judged::default());
        assert_eq!(run.files("demonstrations.old-3"), 4);

        run.notes(3);
        fs::remove_file(run.dir.path(&unfinished_file(FOLDER))).unwrap();
        assert_eq!(run.take_over(&run.plans, false), Judged::default());
        assert_eq!(run.files("demonstrations.old-4"), 3);
    }

    #[test]
    fn only_the_half_of_a_simulated_group_is_removed() {
        for simulated in [true, false] {
            let run = run(6);
            let notes = run.notes(2);
            run.dir.write(&unfinished_file(FOLDER), &notes).unwrap();
            run.record(&run.plans[2]);
            assert_eq!(run.take_over(&run.plans, simulated), notes);
            assert_eq!(run.files(FOLDER), 2);
            let aside = run.dir.path("demonstrations/episode-0002.mcap.old-1");
            assert_eq!(aside.exists(), !simulated);
        }
    }
}
