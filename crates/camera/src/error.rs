//! What can go wrong with a camera.

use apprentice_episode::EpisodeError;
use apprentice_link::LinkError;
use std::path::PathBuf;

/// A camera that does not work, or whose frames cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// The device cannot be opened or set up.
    #[error("camera {device}: {reason}")]
    Device {
        /// Its file.
        device: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The device gave frames and does not any more.
    #[error("camera {device} has gone: {reason}; see whether it is plugged in")]
    Gone {
        /// Its file.
        device: String,
        /// What the system says.
        reason: String,
    },
    /// A clip that cannot be played.
    #[error("clip {path}: {reason}")]
    Clip {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// An episode that cannot be read.
    #[error(transparent)]
    Episode(#[from] EpisodeError),
    /// The link failed.
    #[error(transparent)]
    Link(#[from] LinkError),
}
