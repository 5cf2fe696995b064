//! Whether episodes succeeded: as it was measured, or as a person labelled it.

use crate::context::Context;
use crate::layout::JUDGEMENTS;
use crate::outcomes::{Outcomes, read_outcomes};
use anyhow::Result;
use apprentice_episode::EpisodeId;
use apprentice_preference::{JudgementLog, standing, success_labels};
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
        let path = context.dir.path(JUDGEMENTS);
        if !path.exists() {
            return Ok(Self::default());
        }
        let said = standing(&JudgementLog::read(&path)?.judgements);
        Ok(Self(success_labels(&said)))
    }

    /// The same outcomes, with success as labelled where it was not measured. No other fact is known of an episode
    /// that only has a label.
    #[must_use]
    pub fn applied(&self, outcomes: &Outcomes) -> Outcomes {
        let mut labelled = outcomes.clone();
        for episode in &mut labelled.episodes {
            if episode.success().is_some() {
                continue;
            }
            if let Some(success) = self.0.get(&episode.id).copied().flatten() {
                episode.outcome.get_or_insert_default().success = Some(success);
            }
        }
        labelled
    }
}

/// The outcomes of a folder of the run, with success as people labelled it where it was not measured.
///
/// # Errors
/// When it has not been recorded, or the labels cannot be read.
pub fn read_labelled(context: &Context, folder: &str) -> Result<Outcomes> {
    Ok(SuccessLabels::read(context)?.applied(&read_outcomes(context, folder)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcomes::EpisodeOutcome;
    use apprentice_sim::Outcome;

    #[test]
    fn a_label_counts_where_nothing_was_measured() {
        let episode = |id: &str, measured: Option<Option<bool>>| EpisodeOutcome {
            id: id.into(),
            file: "episode-0000.mcap".into(),
            seed: 1,
            outcome: measured.map(|success| Outcome {
                success,
                ..Outcome::default()
            }),
            guard: None,
            added: false,
        };
        let labels = SuccessLabels(BTreeMap::from([
            ("measured".into(), Some(false)),
            ("yes".into(), Some(true)),
            ("other facts".into(), Some(false)),
            ("unsure".into(), None),
        ]));
        let outcomes = Outcomes {
            episodes: vec![
                episode("measured", Some(Some(true))),
                episode("yes", None),
                episode("other facts", Some(None)),
                episode("unsure", None),
                episode("not labelled", None),
            ],
            ..Outcomes::default()
        };
        let labelled = labels.applied(&outcomes);
        let success: Vec<Option<bool>> = labelled.episodes.iter().map(|e| e.success()).collect();
        assert_eq!(success, [Some(true), Some(true), Some(false), None, None]);
        assert_eq!(labelled.episodes[3], outcomes.episodes[3]);
        assert_eq!(SuccessLabels::default().applied(&outcomes), outcomes);
    }
}
