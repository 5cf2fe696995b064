//! What became of a folder of episodes since the list of them was written: files that are gone, changed or new.

use crate::layout::{outcomes_file, unfinished_outcomes_file};
use crate::outcomes::{EpisodeOutcome, Outcomes, open_as};
use crate::run_dir::RunDir;
use anyhow::Result;
use apprentice_episode::Catalog;

/// Where a folder of episodes and the list of them differ.
#[derive(Debug, Default)]
pub struct FolderChanges {
    /// Files of the list that are gone.
    pub gone: Vec<String>,
    /// Files that are not what was recorded any more.
    pub changed: Vec<String>,
    /// Episodes that somebody put there.
    pub added: Vec<EpisodeOutcome>,
    /// Copies of listed episodes that somebody put there: they do not take part.
    pub copies: Vec<String>,
}

impl FolderChanges {
    /// Those of a folder; others are looked for where they `may_be_added`.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn of(dir: &RunDir, folder: &str, list: &Outcomes, may_be_added: bool) -> Result<Self> {
        let path = dir.path(folder);
        let mut changes = Self::default();
        let there = if path.is_dir() {
            Catalog::open(&path)?.entries().to_vec()
        } else {
            Vec::new()
        };
        for episode in &list.episodes {
            let entry = there.iter().find(|e| e.file == episode.file);
            if !path.join(&episode.file).exists() {
                changes.gone.push(episode.file.clone());
            } else if !entry.is_some_and(|e| e.complete && e.id == episode.id)
                && open_as(&path.join(&episode.file), &episode.id).is_err()
            {
                changes.changed.push(episode.file.clone());
            }
        }
        let listed = |file: &str| list.episodes.iter().any(|e| e.file == file);
        for entry in there
            .iter()
            .filter(|e| may_be_added && e.complete && !listed(&e.file))
        {
            let mut known = list.episodes.iter().chain(&changes.added);
            if known.any(|e| e.id == entry.id) {
                changes.copies.push(entry.file.clone());
                continue;
            }
            changes.added.push(EpisodeOutcome {
                id: entry.id.clone(),
                file: entry.file.clone(),
                seed: entry.meta.seed,
                outcome: None,
                guard: None,
                added: true,
            });
        }
        Ok(changes)
    }

    /// What there is to say of them.
    #[must_use]
    pub fn notes(&self, folder: &str) -> Vec<String> {
        let each = |files: &[String], what: &str| -> Vec<String> {
            files
                .iter()
                .map(|file| format!("{folder}/{file} {what}"))
                .collect()
        };
        let added: Vec<String> = self.added.iter().map(|e| e.file.clone()).collect();
        [
            each(&self.gone, "is gone; the others stay"),
            each(
                &self.changed,
                "is not what was recorded; restore it from a copy, or delete it and it is recorded again",
            ),
            each(&added, "was put there, and takes part"),
            each(
                &self.copies,
                "is a copy of an episode that is there, and does not take part",
            ),
        ]
        .concat()
    }
}

/// Makes the list of a recording, finished or not, follow its folder: an episode whose file is gone is taken from it, and,
/// where others are welcome, one that somebody put there is added. Says so, and which files are not what was recorded.
///
/// # Errors
/// When the folder cannot be read or the list cannot be written.
pub fn follow_folder(dir: &RunDir, folder: &str, may_be_added_to: bool) -> Result<()> {
    let unfinished = dir.path(&unfinished_outcomes_file(folder)).exists();
    for (file, whole) in [
        (outcomes_file(folder), true),
        (unfinished_outcomes_file(folder), false),
    ] {
        let Ok(mut list) = dir.read::<Outcomes>(&file) else {
            continue;
        };
        let may_be_added = may_be_added_to && whole && !unfinished;
        let changes = FolderChanges::of(dir, folder, &list, may_be_added)?;
        if whole != unfinished {
            for note in changes.notes(folder) {
                eprintln!("note: {note}");
            }
        }
        let before = list.episodes.len();
        list.remove(|e| changes.gone.contains(&e.file));
        list.episodes.extend(changes.added.iter().cloned());
        if list.episodes.len() != before || !changes.added.is_empty() {
            dir.write(&file, &list)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample_episode::sample_episode;
    use apprentice_episode::EpisodeWriter;
    use std::fs;

    #[test]
    fn a_list_follows_its_folder_and_a_copy_does_not_take_part() {
        let root = tempfile::tempdir().unwrap();
        let dir = RunDir::make(root.path()).unwrap();
        let folder = "rollouts";
        fs::create_dir_all(dir.path(folder)).unwrap();
        let file = |i: usize| dir.path(folder).join(format!("episode-{i:04}.mcap"));
        let record = |i: usize| {
            let mut sample = sample_episode(1.0);
            sample.meta.seed = i as u64;
            let mut writer = EpisodeWriter::create(file(i), &sample.meta).unwrap();
            for tick in &sample.ticks[..3] {
                writer.tick(tick).unwrap();
            }
            let entry = writer.finish().unwrap();
            EpisodeOutcome {
                id: entry.id,
                file: entry.file,
                seed: i as u64,
                outcome: None,
                guard: None,
                added: false,
            }
        };
        let list = Outcomes {
            episodes: (0..4).map(record).collect(),
            ..Outcomes::default()
        };
        dir.write(&outcomes_file(folder), &list).unwrap();
        follow_folder(&dir, folder, true).unwrap();
        assert_eq!(Outcomes::of(&dir, folder).unwrap(), list);

        fs::remove_file(file(0)).unwrap();
        fs::copy(file(2), file(1)).unwrap();
        fs::copy(file(3), dir.path(folder).join("copy.mcap")).unwrap();
        let put = record(7);
        let changes = FolderChanges::of(&dir, folder, &list, true).unwrap();
        assert_eq!(changes.gone, ["episode-0000.mcap"]);
        assert_eq!(changes.changed, ["episode-0001.mcap"]);
        assert_eq!(changes.copies, ["copy.mcap"]);
        assert_eq!(changes.added.len(), 1);
        assert_eq!(changes.notes(folder).len(), 4);
        follow_folder(&dir, folder, true).unwrap();
        let followed = Outcomes::of(&dir, folder).unwrap().episodes;
        assert_eq!(followed[..3], list.episodes[1..]);
        assert_eq!((&followed[3].id, followed[3].added), (&put.id, true));
        // Where nothing may be added, nothing is, and an unfinished list follows as well.
        dir.write(&unfinished_outcomes_file(folder), &list).unwrap();
        follow_folder(&dir, folder, false).unwrap();
        let unfinished: Outcomes = dir.read(&unfinished_outcomes_file(folder)).unwrap();
        assert_eq!(unfinished.episodes, list.episodes[1..]);
    }
}
