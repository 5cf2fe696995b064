//! Episodes to be run, and what became of them.

use apprentice_core::Seed;
use apprentice_episode::{EpisodeEntry, EpisodeMeta};
use std::path::PathBuf;

/// An episode to be run.
#[derive(Clone, Debug)]
pub struct EpisodePlan {
    /// Where to record it.
    pub path: PathBuf,
    /// What to write at its head.
    pub meta: EpisodeMeta,
    /// Seed of scene and agent.
    pub seed: Seed,
}

/// An episode that was run.
#[derive(Clone, Debug)]
pub struct RecordedEpisode {
    /// Index into the plans.
    pub plan: usize,
    /// Robot it ran on; its scene is still as the episode left it.
    pub robot: usize,
    /// The file.
    pub entry: EpisodeEntry,
}
