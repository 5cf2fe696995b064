//! What can go wrong with an episode, each in one line.

use crate::EpisodeId;
use std::{io, path::Path, path::PathBuf};
use thiserror::Error;

/// A problem with an episode or a directory of them.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EpisodeError {
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
    /// No room for the next tick. Every tick before it is in the file.
    #[error(
        "disk full while recording {}: its {ticks} ticks so far are kept; free some space and record again",
        path.display()
    )]
    DiskFull {
        /// The episode.
        path: PathBuf,
        /// Ticks that are safe.
        ticks: u64,
    },
    /// A recording never replaces another.
    #[error("{} exists already; record under another name or delete it first", path.display())]
    Exists {
        /// The file in the way.
        path: PathBuf,
    },
    /// The episode's description is not usable.
    #[error("episode {} cannot be recorded: {problem}", path.display())]
    Meta {
        /// The episode.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A tick does not fit its episode. It was not written; the next one may be.
    #[error("tick {index} of {} refused: {problem}; the {index} ticks before it are kept", path.display())]
    Tick {
        /// The episode.
        path: PathBuf,
        /// The index the tick would have had.
        index: u64,
        /// What is wrong.
        problem: String,
    },
    /// Not one of our episodes.
    #[error("{} is not an episode: {problem}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// How that shows.
        problem: String,
    },
    /// One of our episodes, with damage that is not a cut-off end.
    #[error("episode {} is damaged: {problem}; restore it from a copy or delete it", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Written by a newer build.
    #[error(
        "{} has format version {got}, this build reads up to {allowed}; use the newer build",
        path.display()
    )]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        got: u64,
        /// The newest this build reads.
        allowed: u32,
    },
    /// No episode of that name.
    #[error("no episode {id} in {}", dir.display())]
    Unknown {
        /// The name asked for.
        id: EpisodeId,
        /// Where it was looked for.
        dir: PathBuf,
    },
    /// The file is no longer the one the index described.
    #[error("episode {} changed since it was listed (was {expected}, is {got}); list the directory again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// Hash in the index.
        expected: EpisodeId,
        /// Hash of the file.
        got: EpisodeId,
    },
}

impl EpisodeError {
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn corrupt(path: &Path, problem: impl ToString) -> Self {
        Self::Corrupt {
            path: path.to_owned(),
            problem: problem.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RldsError;

    #[test]
    fn why_a_file_cannot_be_used_is_said_once() {
        let path = Path::new("/no/such/folder/shard");
        let source = || io::Error::from(io::ErrorKind::NotFound);
        let why = source().to_string();
        let error = RldsError::Episode(EpisodeError::io("read", path, source()));
        let words = apprentice_core::in_one_line(&error);
        assert_eq!(words.matches(&why).count(), 1, "{words}");
        let error = RldsError::Shard {
            path: path.into(),
            source: crate::tfrecord::TfRecordError::Io {
                record: 3,
                source: source(),
            },
        };
        let words = apprentice_core::in_one_line(&error);
        assert_eq!(words.matches(&why).count(), 1, "{words}");
        assert_eq!(words.matches("record 3").count(), 1, "{words}");
    }
}
