//! What can go wrong, each in one line.

use std::path::{Path, PathBuf};
use thiserror::Error;

/// A problem with clips or labels.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LabelsError {
    /// The operating system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file that is not what it should be.
    #[error("{}: {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what is allowed.
        what: String,
    },
    /// A line that is not what it should be.
    #[error("{}, line {line}: {what}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what is allowed.
        what: String,
    },
    /// Too little to evaluate.
    #[error("{0}")]
    TooLittle(String),
    /// The encoder failed.
    #[error(transparent)]
    Encoder(#[from] apprentice_encoder::EncoderError),
    /// A learner failed.
    #[error(transparent)]
    Reward(#[from] apprentice_reward::RewardError),
}

impl LabelsError {
    /// [`Self::Io`] of `path`.
    pub(crate) fn io(path: &Path) -> impl Fn(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            path: path.clone(),
            source,
        }
    }

    /// [`Self::File`] of `path`.
    pub(crate) fn file(path: &Path, what: impl Into<String>) -> Self {
        Self::File {
            path: path.to_owned(),
            what: what.into(),
        }
    }
}
