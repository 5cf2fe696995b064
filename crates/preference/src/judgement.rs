//! One answer of an operator.

use crate::PreferenceError;
use apprentice_episode::EpisodeId;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Version of the judgements this crate writes, and the newest it reads.
pub const FORMAT_VERSION: u32 = 1;

/// A ranking of a few episodes: who, when, how sure, in which order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// SHA-256 of what the judgement says; set by [`Self::new`].
    pub id: String,
    /// When it was given, milliseconds since 1970 UTC.
    pub when_unix_ms: u64,
    /// Who gave it.
    pub who: String,
    /// How sure they were, 0 to 1.
    pub how_sure: f32,
    /// The episodes by content hash, best first; episodes of one inner list are equally good.
    pub ranking: Vec<Vec<EpisodeId>>,
    /// The operator could not or would not say; the ranking then only tells what was shown.
    pub skipped: bool,
    /// Anything the operator added.
    pub comment: Option<String>,
}

impl Judgement {
    /// A ranking, best first.
    #[must_use]
    pub fn new(
        when_unix_ms: u64,
        who: impl Into<String>,
        how_sure: f32,
        ranking: Vec<Vec<EpisodeId>>,
        comment: Option<String>,
    ) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            id: String::new(),
            when_unix_ms,
            who: who.into(),
            how_sure,
            ranking,
            skipped: false,
            comment,
        }
        .named()
    }

    /// `shown` were looked at and not ranked.
    #[must_use]
    pub fn skip(
        when_unix_ms: u64,
        who: impl Into<String>,
        shown: Vec<EpisodeId>,
        comment: Option<String>,
    ) -> Self {
        let mut judgement = Self::new(when_unix_ms, who, 0.0, vec![shown], comment);
        judgement.skipped = true;
        judgement.named()
    }

    /// The episodes named, best first.
    pub fn episodes(&self) -> impl Iterator<Item = &EpisodeId> {
        self.ranking.iter().flatten()
    }

    fn named(mut self) -> Self {
        self.id = String::new();
        // Only a map with keys that are no text could fail to become JSON.
        let json = serde_json::to_vec(&self).unwrap_or_default();
        self.id = apprentice_core::sha256_bytes(&json);
        self
    }
}

/// Checks `judgement` against the episodes there are.
///
/// # Errors
/// When it names an episode that is not in `known`, or one twice, has an empty place, or a sureness
/// outside 0 to 1.
pub fn validate(judgement: &Judgement, known: &HashSet<EpisodeId>) -> Result<(), PreferenceError> {
    consistent(judgement)?;
    match judgement.episodes().find(|id| !known.contains(*id)) {
        Some(episode) => Err(PreferenceError::UnknownEpisode {
            judgement: judgement.id.chars().take(12).collect(),
            episode: episode.clone(),
            known: known.len(),
        }),
        None => Ok(()),
    }
}

/// The checks that need no list of episodes.
pub(crate) fn consistent(judgement: &Judgement) -> Result<(), PreferenceError> {
    let name = || -> String { judgement.id.chars().take(12).collect() };
    let invalid = |problem: String| PreferenceError::Invalid {
        judgement: name(),
        problem,
    };
    if judgement.format_version != FORMAT_VERSION {
        return Err(invalid(format!(
            "format_version is {}, this build writes {FORMAT_VERSION}",
            judgement.format_version
        )));
    }
    if !(0.0..=1.0).contains(&judgement.how_sure) {
        return Err(invalid(format!(
            "how_sure is {}, it must be from 0 to 1",
            judgement.how_sure
        )));
    }
    if judgement.ranking.iter().any(Vec::is_empty) {
        return Err(invalid(
            "its ranking has a place without an episode".to_owned(),
        ));
    }
    let mut seen = HashSet::new();
    match judgement.episodes().find(|id| !seen.insert(*id)) {
        Some(episode) => Err(PreferenceError::Repeated {
            judgement: name(),
            episode: episode.clone(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(ids: &[&str]) -> Judgement {
        let ranking = ids.iter().map(|&id| vec![id.into()]).collect();
        Judgement::new(1, "ann", 1.0, ranking, None)
    }

    #[test]
    fn what_cannot_be_learnt_from_is_refused() {
        let known: HashSet<EpisodeId> = ["a", "b"].map(EpisodeId::from).into();
        assert!(validate(&ranked(&["a", "b"]), &known).is_ok());
        let unknown = validate(&ranked(&["a", "c"]), &known).unwrap_err();
        assert!(
            unknown
                .to_string()
                .contains("unknown episode c (2 episodes")
        );
        let twice = validate(&ranked(&["a", "a"]), &known).unwrap_err();
        assert!(twice.to_string().contains("episode a twice"));
        for how_sure in [-0.1, 1.1, f32::NAN] {
            let mut judgement = ranked(&["a", "b"]);
            judgement.how_sure = how_sure;
            assert!(validate(&judgement, &known).is_err());
        }
        let mut hollow = ranked(&["a"]);
        hollow.ranking.push(Vec::new());
        assert!(validate(&hollow, &known).is_err());
    }

    #[test]
    fn the_name_follows_the_content() {
        assert_eq!(ranked(&["a", "b"]).id, ranked(&["a", "b"]).id);
        assert_ne!(ranked(&["a", "b"]).id, ranked(&["b", "a"]).id);
    }
}
