//! What a run leaves behind that the same run again must reproduce.

use super::files::JSON;
use anyhow::{Context as _, Result};
use apprentice_core::sha256_file;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// A file and its content hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// Path below the run's folder, with forward slashes.
    pub path: String,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// Every reproducible file below `root`, sorted by path: episodes, weights, reward, judgements and
/// notes. Left out are what tells times and names (`stages/`, `versions/`, `trials/`, `locks/`), settings (`run.json`), the log of trials, indices (rebuilt at
/// need), reports, recordings for the viewer, unfinished files and what was moved aside.
///
/// # Errors
/// When the folder or a file cannot be read.
pub fn artefacts(root: &Path) -> Result<Vec<Artefact>> {
    let mut paths = Vec::new();
    collect(root, "", &mut paths)?;
    paths.sort();
    paths
        .into_par_iter()
        .map(|path| {
            let file = root.join(&path);
            let sha256 =
                sha256_file(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            Ok(Artefact { path, sha256 })
        })
        .collect()
}

/// Folders of which the same run again makes others.
const WITH_TIMES: [&str; 4] = ["stages", "versions", "trials", "locks"];

fn collect(folder: &Path, below: &str, paths: &mut Vec<String>) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() {
            name.clone()
        } else {
            format!("{below}/{name}")
        };
        if entry.file_type()?.is_dir() {
            if !WITH_TIMES.contains(&path.as_str()) && !name.contains(".old-") {
                collect(&entry.path(), &path, paths)?;
            }
        } else if reproducible(&path, &name) {
            paths.push(path);
        }
    }
    Ok(())
}

fn reproducible(path: &str, name: &str) -> bool {
    let kept = [".mcap", ".safetensors", ".json", ".jsonl"]
        .iter()
        .any(|end| name.ends_with(end));
    kept && !name.starts_with('.')
        && name != "index.json"
        && !["run.json", "trials.jsonl", JSON].contains(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_reproduced_is_listed_and_sorted() {
        let dir = tempfile::tempdir().unwrap();
        for path in [
            "run.json",
            "report.json",
            "report.html",
            "run.rrd",
            "stages/train.json",
            "versions/0001.json",
            "versions/0001.safetensors",
            "rollouts/index.json",
            "rollouts/episode-0001.mcap",
            "rollouts/episode-0000.mcap",
            "policy/base.safetensors",
            "policy/.base.safetensors.part",
            "judgements.jsonl",
            "judgements.jsonl.old-1",
            "rollouts.old-1/episode-0000.mcap",
        ] {
            let file = dir.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "abc").unwrap();
        }
        let found = artefacts(dir.path()).unwrap();
        let paths: Vec<&str> = found.iter().map(|a| a.path.as_str()).collect();
        let expected = [
            "judgements.jsonl",
            "policy/base.safetensors",
            "rollouts/episode-0000.mcap",
            "rollouts/episode-0001.mcap",
        ];
        assert_eq!(paths, expected);
        assert!(found[0].sha256.starts_with("ba7816bf"));
    }
}
