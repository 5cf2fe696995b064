//! What can go wrong with judgements, each in one line.

use crate::Item;
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
    /// A setting that cannot be.
    #[error("{key} is {got}, allowed: {allowed}")]
    Setting {
        /// The setting.
        key: String,
        /// Its value.
        got: String,
        /// What is allowed, with its unit.
        allowed: &'static str,
    },
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
    /// The judgement names an episode that is not there.
    #[error(
        "judgement {judgement} names unknown episode {episode} ({known} episodes are known); record or import it first"
    )]
    UnknownEpisode {
        /// The judgement.
        judgement: String,
        /// The episode.
        episode: EpisodeId,
        /// How many episodes there are.
        known: usize,
    },
    /// The judgement names an item twice.
    #[error("judgement {judgement}, a {kind}, names {item} twice; name each once")]
    Repeated {
        /// The judgement.
        judgement: String,
        /// Kind of its answer.
        kind: &'static str,
        /// The item.
        item: Item,
    },
    /// Another part of the judgement is not usable.
    #[error("judgement {judgement} is refused: {what} is {got}, allowed: {allowed}")]
    Invalid {
        /// The judgement.
        judgement: String,
        /// Which part.
        what: String,
        /// Its value.
        got: String,
        /// What would do.
        allowed: String,
    },
    /// A judge answered something else than was asked.
    #[error("judgement {judgement} does not answer the question: {what} is {got}, asked: {asked}")]
    NotAsked {
        /// The judgement.
        judgement: String,
        /// Which part.
        what: &'static str,
        /// What came.
        got: String,
        /// What was asked.
        asked: String,
    },
    /// A person is to judge, and nothing leads to one.
    #[error(
        "a person is to judge, but there is no terminal; run the command in one, or choose another judge"
    )]
    NoTerminal,
    /// The terminal failed.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[source] io::Error),
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
