//! Whether episodes succeeded: as it was measured, or as a person labelled it.

use crate::context::Context;
use crate::stages::notes::JudgedEpisode;
use crate::stages::rank::LOG;
use anyhow::Result;
use apprentice_episode::EpisodeId;
use apprentice_preference::{JudgementLog, success_labels};
use std::collections::BTreeMap;

/// What people labelled: for each episode its newest label, `None` where they were unsure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuccessLabels(BTreeMap<EpisodeId, Option<bool>>);

impl SuccessLabels {
    /// The labels of a run.
    ///
    /// # Errors
    /// When its log of judgements cannot be read.
    pub fn read(context: &Context) -> Result<Self> {
        let path = context.dir.path(LOG);
        if !path.exists() {
            return Ok(Self::default());
        }
        Ok(Self(success_labels(&JudgementLog::read(&path)?.judgements)))
    }

    /// Whether an episode succeeded: measured, or else labelled; `None` where neither tells.
    #[must_use]
    pub fn success(&self, episode: &JudgedEpisode) -> Option<bool> {
        let measured = episode.outcome.as_ref().map(|o| o.success);
        measured.or_else(|| self.0.get(&episode.id).copied().flatten())
    }
}
