//! Clips and what was said of them.

use crate::RewardError;
use apprentice_encoder::FeatureClip;
use apprentice_episode::EpisodeId;
use apprentice_preference::{Judgement, validate};
use std::collections::{BTreeMap, HashSet};

/// Clips and the judgements of them.
#[derive(Clone, Debug)]
pub struct JudgedClips<'a> {
    /// Features of every clip that may be judged.
    pub clips: &'a [FeatureClip],
    /// Index into `clips` of every episode.
    pub index: &'a BTreeMap<EpisodeId, usize>,
    /// The judgements, none of them skipped.
    pub judgements: Vec<&'a Judgement>,
}

/// A judgement's order of clips.
#[derive(Clone, Debug)]
pub struct Ranking<'a> {
    /// The judgement.
    pub judgement: &'a Judgement,
    /// (index into the clips, place with 0 the best) of its episodes, best first.
    pub places: Vec<(usize, usize)>,
}

impl Ranking<'_> {
    /// How sure the person was, 0 to 1.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        f64::from(self.judgement.confidence)
    }
}

impl<'a> JudgedClips<'a> {
    /// All of `judgements` but those that were skipped, which teach nothing.
    #[must_use]
    pub fn new(
        clips: &'a [FeatureClip],
        index: &'a BTreeMap<EpisodeId, usize>,
        judgements: &'a [Judgement],
    ) -> Self {
        Self {
            clips,
            index,
            judgements: judgements.iter().filter(|j| !j.skipped).collect(),
        }
    }

    /// Those of the judgements that are one of `kinds`, as [`Judgement::learnt_as`] names them.
    #[must_use]
    pub fn of_kinds(&self, kinds: &[&str]) -> Self {
        self.keeping(|_, judgement| kinds.contains(&judgement.learnt_as()))
    }

    /// Those of the judgements that `keep` wants, by their number.
    #[must_use]
    pub fn keeping(&self, keep: impl Fn(usize, &Judgement) -> bool) -> Self {
        let kept = self.judgements.iter().enumerate();
        Self {
            judgements: kept
                .filter(|(number, judgement)| keep(*number, judgement))
                .map(|(_, judgement)| *judgement)
                .collect(),
            ..*self
        }
    }

    /// The orders of clips that the judgements state: of whole episodes, by overall preference.
    ///
    /// # Errors
    /// When one names an episode that is not there, or cannot be learnt from.
    pub fn rankings(&self) -> Result<Vec<Ranking<'a>>, RewardError> {
        let known: HashSet<EpisodeId> = self.index.keys().cloned().collect();
        let mut rankings = Vec::new();
        for &judgement in &self.judgements {
            let Some(tiers) = judgement.episode_tiers() else {
                continue;
            };
            validate(judgement, &known)?;
            let places = tiers.into_iter().enumerate();
            let places = places.flat_map(|(place, tied)| {
                let clip = move |id| self.index.get(id).map(|&clip| (clip, place));
                tied.into_iter().filter_map(clip)
            });
            rankings.push(Ranking {
                judgement,
                places: places.collect(),
            });
        }
        Ok(rankings)
    }
}
