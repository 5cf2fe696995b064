//! What can go wrong with judgements, each in one line.

use apprentice_episode::EpisodeId;
use std::{
    io,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// A problem with a judgement or the log of them.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PreferenceError {
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// No room for the judgement. Every judgement before it is in the file.
    #[error(
        "disk full while writing {}: its {kept} judgements are kept; free some space and judge again",
        path.display()
    )]
    DiskFull {
        /// The log.
        path: PathBuf,
        /// Judgements that are safe.
        kept: usize,
    },
    /// A line with an end is damaged.
    #[error("{} line {line} is damaged: {problem}; restore the file from a copy or delete that line", path.display())]
    Corrupt {
        /// The log.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// Written by a newer build.
    #[error(
        "{} line {line} has format version {got}, this build reads up to {allowed}; use the newer build",
        path.display()
    )]
    NewerVersion {
        /// The log.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// Its version.
        got: u64,
        /// The newest this build reads.
        allowed: u32,
    },
    /// The ranking names an episode that is not there.
    #[error(
        "judgement {judgement} ranks unknown episode {episode} ({known} episodes are known); record or import it first"
    )]
    UnknownEpisode {
        /// The judgement.
        judgement: String,
        /// The episode.
        episode: EpisodeId,
        /// How many episodes there are.
        known: usize,
    },
    /// The ranking names an episode twice.
    #[error("judgement {judgement} ranks episode {episode} twice; name each episode once")]
    Repeated {
        /// The judgement.
        judgement: String,
        /// The episode.
        episode: EpisodeId,
    },
    /// Another part of the judgement is not usable.
    #[error("judgement {judgement} is refused: {problem}")]
    Invalid {
        /// The judgement.
        judgement: String,
        /// What is wrong.
        problem: String,
    },
}

impl PreferenceError {
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}
