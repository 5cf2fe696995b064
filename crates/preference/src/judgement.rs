//! One answer of an operator.

use crate::{Answer, Asked, Item};
use apprentice_episode::EpisodeId;
use serde::{Deserialize, Serialize};

/// What somebody said of some episodes: who, when, how sure, and what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// SHA-256 of what the judgement says; set by [`Self::with_id`].
    pub id: String,
    /// When it was given, milliseconds since 1970 UTC.
    pub when_unix_ms: u64,
    /// Who gave it.
    pub who: String,
    /// How sure they were, 0 to 1.
    pub confidence: f32,
    /// What it is about, such as `gentleness`; `None` is what the operator likes over all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axis: Option<String>,
    /// What was answered.
    pub answer: Answer,
    /// The operator could not or would not rank; the ranking then only tells what was shown.
    #[serde(default)]
    pub skipped: bool,
    /// From the question to the answer, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_time_ms: Option<u64>,
    /// Why just this was asked, such as `active: largest disagreement`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_reason: Option<String>,
    /// Which strategy chose the question, and what it expected of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// How it was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presentation: Option<Presentation>,
    /// Anything the operator added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// How clips were shown to whoever judged them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presentation {
    /// Arrangement, such as `side by side`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// Playing speed, as a multiple of the robot's; more than 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// Cameras whose pictures were shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cameras: Vec<String>,
}

impl Judgement {
    /// An answer of which `who` is sure. Set the other fields as needed, then take [`Self::with_id`].
    #[must_use]
    pub fn new(when_unix_ms: u64, who: impl Into<String>, answer: Answer) -> Self {
        Self {
            id: String::new(),
            when_unix_ms,
            who: who.into(),
            confidence: 1.0,
            axis: None,
            answer,
            skipped: false,
            response_time_ms: None,
            query_reason: None,
            asked: None,
            presentation: None,
            comment: None,
        }
        .with_id()
    }

    /// A ranking of whole episodes, best first; episodes of one tier are equally good.
    #[must_use]
    pub fn ranking(
        when_unix_ms: u64,
        who: impl Into<String>,
        confidence: f32,
        tiers: Vec<Vec<EpisodeId>>,
        comment: Option<String>,
    ) -> Self {
        Self {
            confidence,
            comment,
            ..Self::new(when_unix_ms, who, Answer::ranking(tiers))
        }
        .with_id()
    }

    /// `shown` were looked at and not ranked.
    #[must_use]
    pub fn skip(
        when_unix_ms: u64,
        who: impl Into<String>,
        shown: Vec<EpisodeId>,
        comment: Option<String>,
    ) -> Self {
        Self {
            skipped: true,
            ..Self::ranking(when_unix_ms, who, 0.0, vec![shown], comment)
        }
        .with_id()
    }

    /// The episodes it names, in order.
    pub fn episodes(&self) -> impl Iterator<Item = &EpisodeId> {
        self.answer.items().into_iter().map(|item| &item.episode)
    }

    /// The tiers, best first, where it ranks whole episodes by overall preference: an answered ranking
    /// without spans or axis.
    #[must_use]
    pub fn episode_tiers(&self) -> Option<Vec<Vec<&EpisodeId>>> {
        let Answer::Ranking { tiers } = &self.answer else {
            return None;
        };
        let whole = |item: &Item| item.span.is_none();
        if self.skipped || self.axis.is_some() || !tiers.iter().flatten().all(whole) {
            return None;
        }
        Some(
            tiers
                .iter()
                .map(|tier| tier.iter().map(|item| &item.episode).collect())
                .collect(),
        )
    }

    /// The same judgement, its id computed anew from the rest.
    #[must_use]
    pub fn with_id(mut self) -> Self {
        self.id = String::new();
        // Only a map with keys that are no text could fail to become JSON.
        let json = serde_json::to_vec(&self).unwrap_or_default();
        self.id = apprentice_core::sha256_bytes(&json);
        self
    }

    /// The first digits of the id, for people.
    #[must_use]
    pub fn short_id(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;

    fn ranked(ids: &[&str]) -> Judgement {
        let tiers = ids.iter().map(|&id| vec![id.into()]).collect();
        Judgement::ranking(1, "ann", 1.0, tiers, None)
    }

    #[test]
    fn the_id_follows_the_content() {
        assert_eq!(ranked(&["a", "b"]).id, ranked(&["a", "b"]).id);
        assert_ne!(ranked(&["a", "b"]).id, ranked(&["b", "a"]).id);
        let gentler = Judgement {
            axis: Some("gentleness".into()),
            ..ranked(&["a", "b"])
        };
        assert_ne!(gentler.with_id().id, ranked(&["a", "b"]).id);
    }

    #[test]
    fn only_answered_rankings_of_whole_episodes_by_overall_preference_have_episode_tiers() {
        let plain = ranked(&["a", "b"]);
        let tiers = plain.episode_tiers().unwrap();
        assert_eq!(tiers, [[&EpisodeId::from("a")], [&EpisodeId::from("b")]]);
        let gentler = Judgement {
            axis: Some("gentleness".into()),
            ..plain.clone()
        };
        let span = Span {
            start_ns: 0,
            end_ns: 1,
        };
        let parts = Answer::ranking([
            vec![Item::part("a".into(), span)],
            vec![Item::whole("b".into())],
        ]);
        let parts = Judgement::new(1, "ann", parts);
        let skipped = Judgement::skip(1, "ann", vec!["a".into()], None);
        for other in [gentler, parts, skipped] {
            assert_eq!(other.episode_tiers(), None, "{other:?}");
        }
    }
}
