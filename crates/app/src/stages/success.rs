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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::note;
    use apprentice_sim::Grasp;

    #[test]
    fn a_label_counts_where_nothing_was_measured() {
        let measured = note(1, Some(Grasp::Rim));
        let unmeasured = |id: &str| JudgedEpisode {
            id: id.into(),
            outcome: None,
            ..measured.clone()
        };
        let labels = SuccessLabels(BTreeMap::from([
            (measured.id.clone(), Some(false)),
            ("yes".into(), Some(true)),
            ("unsure".into(), None),
        ]));
        assert_eq!(labels.success(&measured), Some(true));
        assert_eq!(labels.success(&unmeasured("yes")), Some(true));
        assert_eq!(labels.success(&unmeasured("unsure")), None);
        assert_eq!(labels.success(&unmeasured("other")), None);
    }
}
