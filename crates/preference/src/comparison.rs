//! Rankings of whole episodes taken apart into what a loss can use. Other judgements give nothing here: see
//! [`Judgement::episode_tiers`].

use crate::Judgement;
use apprentice_episode::EpisodeId;
use serde::{Deserialize, Serialize};

/// Three episodes of one ranking in strict order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Triplet {
    /// Preferred to both.
    pub best: EpisodeId,
    /// Between the two.
    pub middle: EpisodeId,
    /// Less liked than both.
    pub worst: EpisodeId,
}

/// Two episodes of one ranking in strict order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pair {
    /// The preferred one.
    pub better: EpisodeId,
    /// The other.
    pub worse: EpisodeId,
}

/// Every three episodes that a ranking puts in strict order. A ranking of four without ties gives
/// four.
#[must_use]
pub fn triplets(judgements: &[Judgement]) -> Vec<Triplet> {
    let mut all = Vec::new();
    for tiers in judgements.iter().filter_map(Judgement::episode_tiers) {
        for (i, first) in tiers.iter().enumerate() {
            for (j, second) in tiers.iter().enumerate().skip(i + 1) {
                for third in tiers.iter().skip(j + 1) {
                    for best in first {
                        for middle in second {
                            all.extend(third.iter().map(|&worst| Triplet {
                                best: (*best).clone(),
                                middle: (*middle).clone(),
                                worst: worst.clone(),
                            }));
                        }
                    }
                }
            }
        }
    }
    all
}

/// Every two episodes that a ranking puts in strict order; a tie gives none. A ranking of four
/// without ties gives six.
#[must_use]
pub fn pairs(judgements: &[Judgement]) -> Vec<Pair> {
    let mut all = Vec::new();
    for tiers in judgements.iter().filter_map(Judgement::episode_tiers) {
        for (i, first) in tiers.iter().enumerate() {
            for worse in tiers.iter().skip(i + 1).flatten() {
                all.extend(first.iter().map(|&better| Pair {
                    better: better.clone(),
                    worse: (*worse).clone(),
                }));
            }
        }
    }
    all
}

/// Every two episodes that a ranking calls equally good, each once.
#[must_use]
pub fn equal_pairs(judgements: &[Judgement]) -> Vec<(EpisodeId, EpisodeId)> {
    let mut all = Vec::new();
    let tiers = judgements.iter().filter_map(Judgement::episode_tiers);
    for tier in tiers.flatten() {
        for (i, &one) in tier.iter().enumerate() {
            let rest = tier.iter().skip(i + 1);
            all.extend(rest.map(|&other| (one.clone(), other.clone())));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{HashMap, HashSet};

    fn judgement(sizes: &[usize]) -> Judgement {
        let mut next = 0;
        let mut id = || {
            next += 1;
            EpisodeId::new(format!("e{next}"))
        };
        let tiers = (sizes.iter())
            .map(|&n| std::iter::repeat_with(&mut id).take(n).collect())
            .collect();
        Judgement::ranking(0, "ann", 1.0, tiers, None)
    }

    proptest! {
        #[test]
        fn comparisons_are_one_strict_order(sizes in proptest::collection::vec(1usize..4, 0..5)) {
            let judgement = judgement(&sizes);
            let place: HashMap<EpisodeId, _> = judgement.episode_tiers().unwrap().into_iter().enumerate()
                .flat_map(|(i, ids)| ids.into_iter().map(move |id| (id.clone(), i)))
                .collect();
            let all = [judgement];
            let (pairs, triplets) = (pairs(&all), triplets(&all));
            // Counts, from the sizes of the places.
            let n: usize = sizes.iter().sum();
            let tied: usize = sizes.iter().map(|s| s * (s - 1) / 2).sum();
            prop_assert_eq!(pairs.len() + tied, n * n.saturating_sub(1) / 2);
            prop_assert_eq!(equal_pairs(&all).len(), tied);
            let mut strict = 0;
            for i in 0..sizes.len() { for j in i + 1..sizes.len() { for k in j + 1..sizes.len() {
                strict += sizes[i] * sizes[j] * sizes[k];
            }}}
            prop_assert_eq!(triplets.len(), strict);
            // Antisymmetric and transitive, and the triplets say nothing the pairs do not.
            let set: HashSet<_> = pairs.iter().map(|p| (&p.better, &p.worse)).collect();
            prop_assert_eq!(set.len(), pairs.len());
            for &(a, b) in &set {
                prop_assert!(place[a] < place[b]);
                prop_assert!(!set.contains(&(b, a)));
                for &(c, d) in &set {
                    prop_assert!(b != c || set.contains(&(a, d)));
                }
            }
            for t in &triplets {
                prop_assert!(set.contains(&(&t.best, &t.middle)));
                prop_assert!(set.contains(&(&t.middle, &t.worst)));
            }
        }
    }

    #[test]
    fn skipped_rankings_teach_nothing() {
        let mut skipped = judgement(&[1, 1, 1, 1]);
        assert_eq!(
            (
                pairs(&[skipped.clone()]).len(),
                triplets(&[skipped.clone()]).len()
            ),
            (6, 4)
        );
        skipped.skipped = true;
        assert!(pairs(&[skipped.clone()]).is_empty() && triplets(&[skipped]).is_empty());
    }
}
