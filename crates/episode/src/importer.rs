//! What an importer is: somebody else's recordings become episodes.

use crate::{CameraInfo, EpisodeEntry, Sample};
use std::error::Error;
use std::path::Path;
use thiserror::Error as ThisError;

/// Reads recordings of one format. Its settings are what their files do not say.
pub trait Importer {
    /// What it reads, in a few words for the command line.
    fn about(&self) -> &'static str;

    /// Imports the recordings in `from` as episodes into `to` (made when missing), one file each. Running it again
    /// gives the same files. `watch` is told before each episode how many are written, and stops the import by
    /// answering `false`.
    ///
    /// # Errors
    /// When a file is missing, damaged or cut off, or an episode cannot be written: names the file and the place in
    /// it. When `watch` stops it. Episodes imported before stay.
    fn import(
        &self,
        from: &Path,
        to: &Path,
        watch: &mut dyn FnMut(usize) -> bool,
    ) -> Result<ImportSummary, ImportError>;

    /// Writes a small data set of its format into an empty folder, and says what must become of it: what the
    /// conformance suite (`tests/importers.rs`) imports.
    ///
    /// # Errors
    /// When it cannot be written.
    fn sample(&self, folder: &Path) -> Result<Sample, ImportError>;
}

/// Why something was not imported: the importer's own error.
#[derive(Debug, ThisError)]
#[error(transparent)]
pub struct ImportError(#[from] Box<dyn Error + Send + Sync>);

impl ImportError {
    /// Wraps an importer's own error.
    #[must_use]
    pub fn new(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}

/// What was imported.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportSummary {
    /// Name of the dataset.
    pub dataset: String,
    /// The episodes written, in the order of the shards.
    pub episodes: Vec<EpisodeEntry>,
    /// Ticks in all of them.
    pub ticks: usize,
    /// The cameras kept.
    pub cameras: Vec<CameraInfo>,
    /// Cameras left out because all their pictures are one flat colour.
    pub blank_cameras: Vec<String>,
    /// Numbers in an action.
    pub action_dim: usize,
    /// Numbers in the proprioception, which is the dataset's `state`.
    pub proprioception_dim: usize,
}
