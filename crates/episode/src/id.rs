//! The name of an episode: the SHA-256 of its file.

use serde::{Deserialize, Serialize};
use std::fmt;

/// SHA-256 of an episode's file, lower-case hexadecimal. Equal ids mean equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EpisodeId(String);

impl EpisodeId {
    /// Wraps a hash.
    #[must_use]
    pub fn new(sha256: impl Into<String>) -> Self {
        Self(sha256.into())
    }

    /// The whole hash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for EpisodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for EpisodeId {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for EpisodeId {
    fn from(text: String) -> Self {
        Self(text)
    }
}
