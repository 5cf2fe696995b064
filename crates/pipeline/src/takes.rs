//! What a person said of every demonstration they recorded, and the numbers that have been given.

use crate::layout::DEMONSTRATIONS as FOLDER;
use crate::outcomes::Outcomes;
use crate::run_dir::RunDir;
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::PathBuf;

/// Where it is kept, below the run's folder.
const FILE: &str = "judge/demonstrations.takes.json";
/// Where demonstrations lie that were not kept.
const ASIDE: &str = "demonstrations.discarded";

/// What becomes of a demonstration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// It is one of those that are learnt from.
    Keep,
    /// It is moved aside, and the same scene is shown again.
    Redo,
    /// It is moved aside.
    Discard,
}

/// One demonstration that was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Take {
    /// Its file's name.
    pub file: String,
    /// Seed of its scene.
    pub seed: u64,
    /// What the person said.
    pub decided: Decided,
}

/// All demonstrations by people in a run, in order of recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Takes {
    next: u64,
    takes: Vec<Take>,
}

impl Takes {
    /// Those of a run so far.
    ///
    /// # Errors
    /// When a folder or the list cannot be read.
    pub fn open(dir: &RunDir, list: &Outcomes) -> Result<Self> {
        let mut takes: Self = if dir.path(FILE).exists() {
            dir.read(FILE)?
        } else {
            Self::default()
        };
        let mut files: Vec<String> = list.episodes.iter().map(|e| e.file.clone()).collect();
        for folder in [FOLDER, ASIDE] {
            let path = dir.path(folder);
            if path.is_dir() {
                let entries = fs::read_dir(&path)
                    .with_context(|| format!("{} cannot be read", path.display()))?;
                let names = entries.flatten().map(|e| e.file_name());
                files.extend(names.map(|name| name.to_string_lossy().into_owned()));
            }
        }
        for file in files {
            let number = file.strip_prefix("episode-").and_then(|rest| {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse::<u64>().ok()
            });
            takes.next = takes.next.max(number.map_or(0, |n| n.saturating_add(1)));
        }
        Ok(takes)
    }

    /// Whether a person recorded demonstrations of this list.
    #[must_use]
    pub fn any_kept(dir: &RunDir, list: &Outcomes) -> bool {
        let takes: Self = dir.read(FILE).unwrap_or_default();
        let kept =
            |t: &Take| t.decided == Decided::Keep && list.episodes.iter().any(|e| e.file == t.file);
        takes.takes.iter().any(kept)
    }

    /// A number that no take has had.
    pub fn next_number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// Remembers what was said of one.
    pub fn add(&mut self, take: Take) {
        self.takes.push(take);
    }

    /// Name of the file of this number.
    #[must_use]
    pub fn file(number: u64) -> String {
        format!("episode-{number:04}.mcap")
    }

    /// Writes the list down.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, dir: &RunDir) -> Result<()> {
        dir.write(FILE, self)
    }

    /// Moves the file of a take to those that were not kept, under a name that is free; answers where it is.
    ///
    /// # Errors
    /// When it cannot be moved; it is then where it was.
    pub fn set_aside(dir: &RunDir, file: &str) -> Result<PathBuf> {
        let folder = dir.path(ASIDE);
        fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        let names =
            std::iter::once(file.to_owned()).chain((1u32..).map(|n| format!("{file}.old-{n}")));
        let to = names.map(|name| folder.join(name)).find(|p| !p.exists());
        let to = to.with_context(|| format!("{}: no name is free", folder.display()))?;
        let from = dir.path(FOLDER).join(file);
        fs::rename(&from, &to)
            .with_context(|| format!("{} cannot be moved to {}", from.display(), to.display()))?;
        Ok(to)
    }
}
