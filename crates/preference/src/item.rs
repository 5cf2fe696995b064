//! What is judged: an episode, or a part of one.

use apprentice_episode::EpisodeId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An episode, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The episode, by content hash.
    pub episode: EpisodeId,
    /// Which part; `None` is all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

/// A part of an episode on the episode's clock, from its start up to but not including its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// Start, nanoseconds, as the ticks of the episode are stamped.
    pub start_ns: u64,
    /// End, nanoseconds; later than the start.
    pub end_ns: u64,
}

impl Item {
    /// All of an episode.
    #[must_use]
    pub fn whole(episode: EpisodeId) -> Self {
        Self {
            episode,
            span: None,
        }
    }

    /// A part of an episode.
    #[must_use]
    pub fn part(episode: EpisodeId, span: Span) -> Self {
        Self {
            episode,
            span: Some(span),
        }
    }
}

impl From<EpisodeId> for Item {
    fn from(episode: EpisodeId) -> Self {
        Self::whole(episode)
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "episode {}", self.episode.short())?;
        match self.span {
            Some(Span { start_ns, end_ns }) => write!(f, " from {start_ns} to {end_ns} ns"),
            None => Ok(()),
        }
    }
}
