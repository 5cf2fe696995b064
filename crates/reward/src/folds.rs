//! Which judgements are kept back together: those that share a clip, so that no clip is learnt from and examined by.

use crate::{JudgedClips, RewardError};
use std::collections::BTreeMap;

/// Judgements divided into parts; each part is examined by models that have seen the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folds {
    of_judgement: Vec<usize>,
    count: usize,
    disjoint: bool,
}

impl Folds {
    /// Up to `wanted` parts of about the same size. Judgements that have a clip in common, also through others, stay
    /// together, as long as none of these groups is more than half of all; otherwise judgements are divided one by one,
    /// and [`Self::are_disjoint`] says so.
    ///
    /// # Errors
    /// When a judgement names an episode that is not there, or cannot be learnt from.
    pub fn of(judged: &JudgedClips<'_>, wanted: usize) -> Result<Self, RewardError> {
        let count = judged.judgements.len();
        let mut group: Vec<usize> = (0..count).collect();
        let mut last_of: BTreeMap<usize, usize> = BTreeMap::new();
        for judgement in 0..count {
            let one = judged.keeping(|i, _| i == judgement);
            for (clip, _) in one.orders()?.iter().flat_map(|order| &order.places) {
                if let Some(before) = last_of.insert(*clip, judgement) {
                    join(&mut group, before, judgement);
                }
            }
        }
        let roots: Vec<usize> = (0..count).map(|i| root(&group, i)).collect();
        let mut size: BTreeMap<usize, usize> = BTreeMap::new();
        roots
            .iter()
            .for_each(|root| *size.entry(*root).or_default() += 1);
        let mut groups: Vec<(usize, usize)> = size.into_iter().collect();
        // The largest first; those of one size in the order in which they were given.
        groups.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        // Where one group is more than half, a model would learn from less than it is examined by.
        let disjoint = groups.len() >= 2 && groups.iter().all(|(_, size)| 2 * size <= count);
        let parts = if disjoint { groups.len() } else { count };
        let folds = wanted.min(parts.max(2));
        let mut filled = vec![0; folds];
        let mut fold_of: BTreeMap<usize, usize> = BTreeMap::new();
        for (root, size) in groups {
            let emptiest = (0..folds).min_by_key(|&fold| filled[fold]).unwrap_or(0);
            filled[emptiest] += size;
            fold_of.insert(root, emptiest);
        }
        let of = |(judgement, root): (usize, &usize)| match disjoint {
            true => fold_of.get(root).copied().unwrap_or(0),
            false => judgement % folds,
        };
        Ok(Self {
            of_judgement: roots.iter().enumerate().map(of).collect(),
            count: folds,
            disjoint,
        })
    }

    /// How many there are, at least two.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The part of a judgement, by its number.
    #[must_use]
    pub fn of_judgement(&self, number: usize) -> usize {
        self.of_judgement.get(number).copied().unwrap_or(0)
    }

    /// Whether no clip is in two parts.
    #[must_use]
    pub fn are_disjoint(&self) -> bool {
        self.disjoint
    }
}

fn root(group: &[usize], of: usize) -> usize {
    let mut at = of;
    while group[at] != at {
        at = group[at];
    }
    at
}

fn join(group: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(group, a), root(group, b));
    group[a.max(b)] = a.min(b);
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_episode::EpisodeId;
    use apprentice_preference::Judgement;

    fn folds(rankings: &[&[usize]], wanted: usize) -> Folds {
        let index: BTreeMap<EpisodeId, usize> = (0..30)
            .map(|i| (EpisodeId::new(i.to_string()), i))
            .collect();
        let ranking = |clips: &&[usize]| {
            let tiers = clips.iter().map(|c| vec![EpisodeId::new(c.to_string())]);
            Judgement::ranking(0, "ann", 1.0, tiers.collect(), None)
        };
        let judgements: Vec<Judgement> = rankings.iter().map(ranking).collect();
        let judged = JudgedClips::new(&[], &index, &judgements);
        Folds::of(&judged, wanted).unwrap()
    }

    #[test]
    fn judgements_that_share_a_clip_stay_together() {
        let found = folds(&[&[0, 1], &[2, 3], &[4, 0], &[5, 6], &[3, 7]], 3);
        assert!(found.are_disjoint());
        assert_eq!(found.of_judgement, [0, 1, 0, 2, 1]);
        // Three of five hang together: too many to be one part.
        let found = folds(&[&[0, 1], &[1, 2], &[2, 3], &[4, 5], &[6, 7]], 4);
        assert!(!found.are_disjoint());
        // The largest group has a part of its own where the others fill one of its size.
        let found = folds(&[&[8, 9], &[0, 1], &[1, 2], &[4, 5]], 2);
        assert_eq!(
            (found.of_judgement, found.disjoint),
            (vec![1, 0, 0, 1], true)
        );
        // Without a clip in common, as they come.
        assert_eq!(
            folds(&[&[0, 1], &[2, 3], &[4, 5]], 2).of_judgement,
            [0, 1, 0]
        );
    }

    #[test]
    fn where_all_hang_together_judgements_are_divided_and_that_is_said() {
        let found = folds(&[&[0, 1], &[1, 2], &[2, 3]], 2);
        assert!(!found.are_disjoint());
        assert_eq!((found.count(), found.of_judgement), (2, vec![0, 1, 0]));
        assert_eq!(folds(&[], 4).count(), 2);
    }
}
