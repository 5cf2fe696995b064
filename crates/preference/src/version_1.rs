//! Judgements of format version 1: rankings of whole episodes, without axis.

use crate::Judgement;
use apprentice_episode::EpisodeId;
use serde::Deserialize;

/// The version.
pub(crate) const VERSION: u64 = 1;

/// A line as version 1 wrote it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JudgementV1 {
    id: String,
    when_unix_ms: u64,
    who: String,
    how_sure: f32,
    ranking: Vec<Vec<EpisodeId>>,
    skipped: bool,
    comment: Option<String>,
}

impl From<JudgementV1> for Judgement {
    /// The same ranking; it keeps the id under which it was written.
    fn from(old: JudgementV1) -> Self {
        Self {
            id: old.id,
            skipped: old.skipped,
            ..Self::ranking(
                old.when_unix_ms,
                old.who,
                old.how_sure,
                old.ranking,
                old.comment,
            )
        }
    }
}
