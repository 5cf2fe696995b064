//! The outcomes of a folder of episodes, kept apart from them, and the episodes they are of.

use crate::context::Context;
use crate::layout::outcomes_file;
use crate::run_dir::RunDir;
use anyhow::{Result, bail};
use apprentice_control::GuardTotals;
use apprentice_episode::{Episode, EpisodeId};
use apprentice_sim::Outcome;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The episodes of a folder and how they ended, as the simulator saw it, or the robot told by itself. Known to the simulated operator and to the
/// evaluation; no policy or reward reads it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcomes {
    /// For each episode, in order of recording.
    pub episodes: Vec<EpisodeOutcome>,
    /// What the guards did.
    pub guard: GuardCounts,
}

/// One episode and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpisodeOutcome {
    /// The episode.
    pub id: EpisodeId,
    /// Its file's name.
    pub file: String,
    /// Its seed.
    pub seed: u64,
    /// How it ended, where a simulator saw it or the robot told ([`crate::episode_verdict::outcome_of`]).
    pub outcome: Option<Outcome>,
    /// What the guard did in it; `None` in lists of builds that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardCounts>,
    /// Whether somebody put it there after the recording.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub added: bool,
}

/// Guard counts as they are kept on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardCounts {
    /// Commands sent to arms.
    pub commands: u64,
    /// Commands the guard changed.
    pub refusals: u64,
    /// Commands outside the limits.
    pub violations: u64,
    /// Policy ticks, each of several commands.
    #[serde(default)]
    pub ticks: u64,
    /// For each reason, the ticks in which the guard changed a command for it; a tick may have
    /// several.
    #[serde(default)]
    pub reasons: BTreeMap<String, u64>,
}

impl GuardCounts {
    /// Adds what guards counted between two readings.
    pub fn add_counts(&mut self, before: GuardTotals, after: GuardTotals) {
        self.commands += after.commands - before.commands;
        self.refusals += after.interventions - before.interventions;
        self.violations += after.violations - before.violations;
    }

    /// Adds one tick and why the guard changed commands in it.
    pub fn add_tick(&mut self, reasons: &[String]) {
        self.ticks += 1;
        for reason in reasons {
            *self.reasons.entry(reason.clone()).or_default() += 1;
        }
    }
}

impl std::ops::AddAssign<&Self> for GuardCounts {
    fn add_assign(&mut self, other: &Self) {
        self.commands += other.commands;
        self.refusals += other.refusals;
        self.violations += other.violations;
        self.ticks += other.ticks;
        for (reason, ticks) in &other.reasons {
            *self.reasons.entry(reason.clone()).or_default() += ticks;
        }
    }
}

impl std::ops::SubAssign<&Self> for GuardCounts {
    fn sub_assign(&mut self, other: &Self) {
        self.commands = self.commands.saturating_sub(other.commands);
        self.refusals = self.refusals.saturating_sub(other.refusals);
        self.violations = self.violations.saturating_sub(other.violations);
        self.ticks = self.ticks.saturating_sub(other.ticks);
        for (reason, ticks) in &other.reasons {
            if let Some(count) = self.reasons.get_mut(reason) {
                *count = count.saturating_sub(*ticks);
            }
        }
        self.reasons.retain(|_, count| *count > 0);
    }
}

impl EpisodeOutcome {
    /// Whether the task was done; `None` where nobody knows.
    #[must_use]
    pub fn success(&self) -> Option<bool> {
        self.outcome.as_ref()?.success
    }

    /// Whether the task is known to have been done.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.success() == Some(true)
    }
}

impl Outcomes {
    /// Those of a folder of a run.
    ///
    /// # Errors
    /// When it has not been recorded.
    pub fn of(dir: &RunDir, folder: &str) -> Result<Self> {
        dir.read(&outcomes_file(folder))
    }

    /// Takes the episodes away that `gone` names, and what the guard did in them.
    pub(crate) fn remove(&mut self, gone: impl Fn(&EpisodeOutcome) -> bool) {
        let (removed, kept) = std::mem::take(&mut self.episodes)
            .into_iter()
            .partition(|e| gone(e));
        self.episodes = kept;
        for guard in removed
            .iter()
            .filter_map(|e: &EpisodeOutcome| e.guard.as_ref())
        {
            self.guard -= guard;
        }
    }
}

/// The outcomes of a folder of the run.
///
/// # Errors
/// When it has not been recorded.
pub fn read_outcomes(context: &Context, folder: &str) -> Result<Outcomes> {
    Outcomes::of(&context.dir, folder)
}

/// Opens an episode that must be the one of this name: nothing cut off, nothing exchanged.
///
/// # Errors
/// When it cannot be read or its content is another.
pub fn open_as(path: &Path, id: &EpisodeId) -> Result<Episode> {
    let episode = Episode::open(path)?;
    if episode.id != *id || !episode.complete {
        let cut = if episode.complete {
            String::new()
        } else {
            format!(", and it is cut off after {} ticks", episode.ticks.len())
        };
        bail!(
            "episode {} has changed since it was recorded: its SHA-256 is {}, expected {}{cut}; restore it from a \
             copy, or start another run with --out",
            path.display(),
            episode.id.short(),
            id.short()
        );
    }
    Ok(episode)
}

/// Opens one noted episode of a folder.
///
/// # Errors
/// As [`open_as`].
pub fn open_episode(context: &Context, folder: &str, note: &EpisodeOutcome) -> Result<Episode> {
    open_as(&context.dir.path(folder).join(&note.file), &note.id)
}

/// Opens the episodes of a folder in order of recording.
///
/// # Errors
/// As [`open_as`].
pub fn open_all(context: &Context, folder: &str, list: &Outcomes) -> Result<Vec<Episode>> {
    use rayon::prelude::*;
    list.episodes
        .par_iter()
        .map(|note| open_episode(context, folder, note))
        .collect()
}

/// Index of each episode by id.
#[must_use]
pub fn by_id(list: &Outcomes) -> BTreeMap<EpisodeId, usize> {
    list.episodes
        .iter()
        .enumerate()
        .map(|(i, e)| (e.id.clone(), i))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample_episode::sample_episode;
    use apprentice_episode::EpisodeWriter;

    #[test]
    fn an_episode_that_lost_its_end_or_was_exchanged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let record = |name: &str, ticks: usize| {
            let path = folder.path().join(name);
            let sample = sample_episode(1.0);
            let mut writer = EpisodeWriter::create(&path, &sample.meta).unwrap();
            for tick in &sample.ticks[..ticks] {
                writer.tick(tick).unwrap();
            }
            (path, writer.finish().unwrap().id)
        };
        let (path, id) = record("episode-0000.mcap", 6);
        assert_eq!(open_as(&path, &id).unwrap().ticks.len(), 6);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() * 6 / 10]).unwrap();
        let error = open_as(&path, &id).unwrap_err().to_string();
        for part in ["episode-0000.mcap", id.short(), "cut off after", "restore"] {
            assert!(error.contains(part), "{part}: {error}");
        }
        let (other, _) = record("episode-0001.mcap", 5);
        let error = open_as(&other, &id).unwrap_err().to_string();
        assert!(error.contains("its SHA-256 is"), "{error}");
    }

    #[test]
    fn reasons_are_counted_by_tick() {
        let mut totals = GuardCounts::default();
        totals.add_tick(&["acceleration".into(), "velocity".into()]);
        totals.add_tick(&["acceleration".into()]);
        totals.add_tick(&[]);
        let mut twice = totals.clone();
        twice += &totals;
        assert_eq!((twice.ticks, twice.reasons["acceleration"]), (6, 4));
        assert_eq!(twice.reasons["velocity"], 2);
    }
}
