//! What cells of one task and seed share: demonstrations, the policy that imitates them, its rollouts and evaluation.

use crate::cell::Cell;
use anyhow::{Context as _, Result};
use apprentice_pipeline::stages::{STAGES, evaluate_base, needed, rollouts};
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// A task and a seed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Base {
    /// The task's name in the grid.
    pub task: String,
    /// The seed.
    pub seed: u64,
}

impl Base {
    /// Of a cell.
    #[must_use]
    pub fn of(cell: &Cell) -> Self {
        Self {
            task: cell.task.clone(),
            seed: cell.seed,
        }
    }

    /// Its name, which is also that of its folder.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.task, self.seed)
    }

    /// The stages that it runs, in order: rollouts and the evaluation of the base policy, and what they need.
    #[must_use]
    pub fn stages() -> Vec<&'static str> {
        let ends = [&rollouts::STAGE, &evaluate_base::STAGE];
        let is_part = |name: &str| {
            let needs = |end| needed(end).iter().any(|s| s.name == name);
            ends.iter().any(|end| end.name == name || needs(end))
        };
        let names = STAGES.iter().map(|s| s.name);
        names.filter(|name| is_part(name)).collect()
    }
}

/// Files that are of a run's own process, or that nothing reads.
const LEFT: [&str; 4] = ["locks", "run.rrd", "report.html", "report.json"];

/// Makes the folder of a cell from that of its base: recordings and weights, which nothing writes into, are shared
/// where the file system can, everything else is copied.
///
/// # Errors
/// When a file cannot be read or written.
pub fn branch(base: &Path, cell: &Path) -> Result<()> {
    fs::create_dir_all(cell).with_context(|| format!("{} cannot be made", cell.display()))?;
    let entries =
        fs::read_dir(base).with_context(|| format!("{} cannot be read", base.display()))?;
    for entry in entries {
        let entry = entry?;
        let (from, to) = (entry.path(), cell.join(entry.file_name()));
        if LEFT.iter().any(|left| entry.file_name() == *left) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            branch(&from, &to)?;
            continue;
        }
        let shared = ["mcap", "safetensors"].map(OsStr::new);
        let shared = from.extension().is_some_and(|e| shared.contains(&e));
        if !(shared && fs::hard_link(&from, &to).is_ok()) {
            let context = || format!("{} cannot be copied; is the disk full?", from.display());
            fs::copy(&from, &to).with_context(context)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_everything_before_the_operator() {
        assert_eq!(
            Base::stages(),
            ["demonstrate", "train", "rollouts", "evaluate-base"]
        );
    }

    #[test]
    fn a_branch_has_everything_but_locks_and_reports() {
        let folder = tempfile::tempdir().unwrap();
        let (base, cell) = (folder.path().join("base"), folder.path().join("cell"));
        for (file, text) in [
            ("run.json", "{}"),
            ("rollouts/episode-0000.mcap", "episode"),
            ("locks/opening", ""),
            ("report.json", "{}"),
        ] {
            let file = base.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        branch(&base, &cell).unwrap();
        assert_eq!(
            fs::read(cell.join("rollouts/episode-0000.mcap")).unwrap(),
            b"episode"
        );
        assert!(!cell.join("locks").exists() && !cell.join("report.json").exists());
        // What a cell writes anew does not reach its base.
        fs::write(cell.join("run.json"), "[]").unwrap();
        assert_eq!(fs::read(base.join("run.json")).unwrap(), b"{}");
    }
}
