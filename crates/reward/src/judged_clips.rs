//! Clips and what was said of them.

use crate::RewardError;
use apprentice_encoder::FeatureClip;
use apprentice_episode::EpisodeId;
use apprentice_preference::{Answer, Item, Judgement, validate};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Clips and the judgements of them.
#[derive(Clone, Debug)]
pub struct JudgedClips<'a> {
    /// Features of every clip that may be judged.
    pub clips: &'a [FeatureClip],
    /// Index into `clips` of every episode.
    pub index: &'a BTreeMap<EpisodeId, usize>,
    /// The judgements, none of them skipped.
    pub judgements: Vec<&'a Judgement>,
    /// Ids of the judgements by which what was learnt is examined; all without. Older ones may teach something and yet
    /// not be what the person would say now.
    pub examiners: Option<&'a BTreeSet<String>>,
}

/// A judgement's order of clips.
#[derive(Clone, Debug)]
pub struct Ranking<'a> {
    /// The judgement.
    pub judgement: &'a Judgement,
    /// (index into the clips, place with 0 the best) of its episodes, best first.
    pub places: Vec<(usize, usize)>,
}

/// An order of clips, and how sure it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// (index into the clips, place with 0 the best), best first.
    pub places: Vec<(usize, usize)>,
    /// How sure, 0 to 1.
    pub confidence: f64,
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
            examiners: None,
        }
    }

    /// Whether what was learnt is examined by a judgement.
    #[must_use]
    pub fn examines(&self, judgement: &Judgement) -> bool {
        self.examiners.is_none_or(|ids| ids.contains(&judgement.id))
    }

    /// Those of the judgements that are learnt as one of `kinds` ([`Judgement::learnt_as`]).
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

    /// The orders of clips that judgements state, those of whole episodes by overall preference.
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

    /// Every order of clips that can be told from the judgements, best first, with places from 0: those of
    /// [`Self::rankings`], and one for each person's ratings, flags and verdicts of success of whole episodes over all.
    ///
    /// # Errors
    /// When a judgement names an episode that is not there, or cannot be learnt from.
    pub fn orders(&self) -> Result<Vec<Order>, RewardError> {
        let of_ranking = |ranking: Ranking<'_>| Order {
            confidence: ranking.confidence(),
            places: ranking.places,
        };
        let mut orders: Vec<Order> = self.rankings()?.into_iter().map(of_ranking).collect();
        let known: HashSet<EpisodeId> = self.index.keys().cloned().collect();
        let mut valued: BTreeMap<(&str, &str), Vec<Valued>> = BTreeMap::new();
        for &judgement in &self.judgements {
            let Some((item, value)) = value(judgement) else {
                continue;
            };
            validate(judgement, &known)?;
            if let Some(&clip) = self.index.get(&item.episode) {
                let one = (judgement.who.as_str(), judgement.learnt_as());
                let sure = f64::from(judgement.confidence);
                valued.entry(one).or_default().push((clip, value, sure));
            }
        }
        for mut clips in valued.into_values() {
            // An order is as sure as the values it is of are in the mean.
            let confidence = clips.iter().map(|c| c.2).sum::<f64>() / clips.len() as f64;
            clips.sort_by(|a, b| b.1.total_cmp(&a.1));
            let tiers = clips.chunk_by(|a, b| a.1 == b.1).enumerate();
            let places = tiers.flat_map(|(place, tier)| tier.iter().map(move |c| (c.0, place)));
            orders.push(Order {
                places: places.collect(),
                confidence,
            });
        }
        Ok(orders)
    }
}

/// A clip, the value that a judgement puts on it, and how sure it is, 0 to 1.
type Valued = (usize, f64, f64);

/// What a judgement that puts a value on one whole episode over all says: the higher, the better.
fn value(judgement: &Judgement) -> Option<(&Item, f64)> {
    let (item, value) = match &judgement.answer {
        Answer::Rating { item, value, scale } => {
            (item, (value - scale.low) / (scale.high - scale.low))
        }
        Answer::Flag { item, yes } => (item, f64::from(u8::from(*yes))),
        Answer::Success { item, verdict } => (item, f64::from(u8::from(verdict.known()?))),
        _ => return None,
    };
    let over_all = judgement.axis.is_none() && item.span.is_none();
    (over_all && !judgement.skipped).then_some((item, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_preference::Scale;

    #[test]
    fn ratings_of_one_person_make_an_order() {
        let index: BTreeMap<EpisodeId, usize> = [("a", 4), ("b", 5), ("c", 6)]
            .map(|(id, i)| (id.into(), i))
            .into();
        let rated = |who: &str, episode: &str, value| {
            let scale = Scale {
                low: 1.0,
                high: 5.0,
            };
            let item = Item::whole(episode.into());
            Judgement::new(0, who, Answer::Rating { item, value, scale })
        };
        let flag = |yes| Answer::Flag {
            item: Item::whole("a".into()),
            yes,
        };
        let judgements = [
            rated("ann", "a", 2.0),
            rated("ann", "b", 5.0),
            rated("bob", "a", 3.0),
            rated("ann", "c", 2.0),
            Judgement::new(0, "ann", flag(true)),
        ];
        let judged = JudgedClips::new(&[], &index, &judgements);
        assert!(judged.rankings().unwrap().is_empty());
        let ratings = judged.of_kinds(&["rating"]).orders().unwrap();
        let ratings: Vec<_> = ratings.into_iter().map(|order| order.places).collect();
        assert_eq!(ratings, [vec![(5, 0), (4, 1), (6, 1)], vec![(4, 0)]]);
        assert_eq!(judged.orders().unwrap().len(), 3);
        let unknown = [rated("ann", "z", 1.0)];
        assert!(JudgedClips::new(&[], &index, &unknown).orders().is_err());
    }
}
