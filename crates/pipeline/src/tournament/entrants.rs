//! Which versions take part, and the episodes there are of each.

use crate::layout::{
    ALIGNED_EVALUATION, BASE_EVALUATION, ROLLOUTS, TRIAL_EPISODES, TRIALS, WORK_EPISODES,
};
use crate::run_dir::RunDir;
use crate::trials::{Purpose, TrialLog};
use crate::versions::store::History;
use anyhow::{Context as _, Result, bail};
use apprentice_episode::{Catalog, EpisodeId};
use std::collections::{BTreeMap, BTreeSet};

/// A version that takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrant {
    /// Its number.
    pub version: u32,
    /// What it is: `base` or `aligned`.
    pub name: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Whole episodes recorded with it, in order of folder and file.
    pub episodes: Vec<RecordedEpisode>,
}

/// An episode of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEpisode {
    /// The episode.
    pub id: EpisodeId,
    /// Its folder below the run's.
    pub folder: String,
    /// Its file there.
    pub file: String,
    /// From which start, where another may have been recorded from the same.
    pub start: Option<String>,
}

/// The versions of these numbers (all where none is named) with their episodes. Of versions with the same content the
/// first takes part. Episodes are those of rollouts, rounds, evaluations (earlier ones that were moved aside, too), trials
/// and work whose meta names the version's hash.
///
/// # Errors
/// When there is no such version, fewer than two differ, one of those named has no episodes, or a folder cannot be read.
pub fn entrants(dir: &RunDir, numbers: &[u32]) -> Result<Vec<Entrant>> {
    let history = History::of(dir)?;
    let named: Vec<_> = if numbers.is_empty() {
        history.versions.iter().collect()
    } else {
        let found: Result<Vec<_>> = numbers.iter().map(|n| history.version(*n)).collect();
        found?
    };
    let mut entrants: Vec<Entrant> = Vec::new();
    for version in named {
        if let Some(same) = entrants.iter().find(|e| e.sha256 == version.sha256) {
            if numbers.is_empty() {
                continue;
            }
            bail!(
                "versions {} and {} have the same content ({}); name one of them",
                same.version,
                version.number,
                version.sha256.get(..12).unwrap_or_default()
            );
        }
        entrants.push(Entrant {
            version: version.number,
            name: version.name.clone(),
            sha256: version.sha256.clone(),
            episodes: Vec::new(),
        });
    }
    collect(dir, &mut entrants)?;
    let root = dir.root().display();
    if let (false, Some(without)) = (
        numbers.is_empty(),
        entrants.iter().find(|e| e.episodes.is_empty()),
    ) {
        bail!(
            "there is no episode of version {}; record some: apprentice record rollouts --policy \
             {root}/versions/{:04}.safetensors --episodes 10 --out {root}",
            without.version,
            without.version
        );
    }
    entrants.retain(|e| !e.episodes.is_empty());
    if entrants.len() < 2 {
        bail!(
            "{} of the {} versions of {root} have episodes, and a tournament is of at least 2 that differ; record some of \
             each (apprentice evaluate, or apprentice record rollouts --policy FILE), or align first",
            entrants.len(),
            history.versions.len()
        );
    }
    Ok(entrants)
}

/// Gives each its episodes.
fn collect(dir: &RunDir, entrants: &mut [Entrant]) -> Result<()> {
    // Where a person set the start up, it is the same only within a pair of a comparison.
    let trials = TrialLog::read(&dir.path(TRIALS))?.entries;
    let by_person: BTreeMap<EpisodeId, Option<String>> = trials
        .into_iter()
        .filter(|t| t.start.by_person)
        .filter_map(|t| {
            let start = (t.purpose == Purpose::Comparison)
                .then(|| format!("{} {}", t.comparison, t.start.number));
            Some((t.episode?.id, start))
        })
        .collect();
    let mut seen = BTreeSet::new();
    for folder in folders(dir)? {
        let catalog = Catalog::open(dir.path(&folder))
            .with_context(|| format!("the episodes of {folder} cannot be listed"))?;
        for entry in catalog.entries() {
            let of = |e: &&mut Entrant| entry.meta.policy.as_ref() == Some(&e.sha256);
            let Some(entrant) = entrants.iter_mut().find(of) else {
                continue;
            };
            // Links of the same file lie in several folders.
            if !entry.complete || entry.ticks == 0 || !seen.insert(entry.id.clone()) {
                continue;
            }
            let start = match by_person.get(&entry.id) {
                Some(start) => start.clone(),
                None => Some(format!("seed {}", entry.meta.seed)),
            };
            entrant.episodes.push(RecordedEpisode {
                id: entry.id.clone(),
                folder: folder.clone(),
                file: entry.file.clone(),
                start,
            });
        }
    }
    Ok(())
}

/// Folders with episodes of policies, below the run's.
fn folders(dir: &RunDir) -> Result<BTreeSet<String>> {
    let known = [
        ROLLOUTS,
        BASE_EVALUATION,
        ALIGNED_EVALUATION,
        TRIAL_EPISODES,
        WORK_EPISODES,
    ];
    let mut found: BTreeSet<String> = known.into_iter().map(str::to_owned).collect();
    for parent in ["rounds", "evaluation", ""] {
        let path = dir.path(parent);
        if !path.is_dir() {
            continue;
        }
        let context = || format!("{} cannot be read", path.display());
        for entry in std::fs::read_dir(&path).with_context(context)? {
            let entry = entry.with_context(context)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let whole = match parent {
                "" => name,
                parent => format!("{parent}/{name}"),
            };
            let aside = known.iter().any(|k| {
                whole
                    .strip_prefix(k)
                    .is_some_and(|r| r.starts_with(".old-"))
            });
            if aside || parent == "rounds" {
                found.insert(whole);
            }
        }
    }
    found.retain(|folder| dir.path(folder).is_dir());
    Ok(found)
}
