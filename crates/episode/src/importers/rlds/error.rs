//! What can be wrong with an RLDS dataset.

use crate::{EpisodeError, TfRecordError, WireError};
use std::{
    io,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// A dataset that cannot be imported.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RldsError {
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// `features.json` or `dataset_info.json` is not what an RLDS dataset has.
    #[error("{}: {problem}; is this the version directory of an RLDS dataset?", path.display())]
    Layout {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A shard is damaged or cut off.
    #[error("{}: {source}; download the shard again", path.display())]
    Shard {
        /// The shard.
        path: PathBuf,
        /// What is wrong.
        source: TfRecordError,
    },
    /// A record is not a `tf.train.Example`.
    #[error("{} record {record} is not a tf.train.Example: {source}", path.display())]
    Example {
        /// The shard.
        path: PathBuf,
        /// Number of the record, from 0.
        record: usize,
        /// What is wrong.
        source: WireError,
    },
    /// A shard holds another number of episodes than announced.
    #[error(
        "{} holds {got} episodes, dataset_info.json says {expected}; download the shard again",
        path.display()
    )]
    Count {
        /// The shard.
        path: PathBuf,
        /// Episodes in it.
        got: usize,
        /// Episodes announced.
        expected: usize,
    },
    /// An episode lacks a camera or a field, or has one of the wrong length or kind.
    #[error(
        "{} record {record}, {field}: {problem}; correct it, or leave this episode out of the data set",
        path.display()
    )]
    Field {
        /// The shard.
        path: PathBuf,
        /// Number of the record, from 0.
        record: usize,
        /// Name of the feature.
        field: String,
        /// What is wrong.
        problem: String,
    },
    /// A camera was asked for that the dataset does not have.
    #[error("the dataset has no camera {wanted:?}; it has {present}")]
    NoCamera {
        /// Asked for.
        wanted: String,
        /// What there is.
        present: String,
    },
    /// Stopped by whoever watched.
    #[error(
        "stopped on request after {0} episodes, which stay; importing again gives the same files"
    )]
    Stopped(usize),
    /// An episode could not be written.
    #[error(transparent)]
    Episode(#[from] EpisodeError),
}

impl RldsError {
    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn layout(path: &Path, problem: impl Into<String>) -> Self {
        Self::Layout {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }
}
