//! An episode's file, as a directory lists it.

use crate::{EpisodeId, EpisodeMeta};
use serde::{Deserialize, Serialize};

/// One episode of a directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpisodeEntry {
    /// SHA-256 of the file.
    pub id: EpisodeId,
    /// Name of the file in the directory.
    pub file: String,
    /// What the episode says about itself.
    pub meta: EpisodeMeta,
    /// Whole ticks.
    pub ticks: usize,
    /// Whether the recording was finished.
    pub complete: bool,
    /// Size of the file, bytes.
    pub bytes: u64,
}
