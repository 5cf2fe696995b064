//! Rankings as comparisons of three clips.

use super::alignment::{Comparison, Relation, Ties};
use crate::judged_clips::Ranking;
use apprentice_episode::EpisodeId;
use apprentice_preference::{equal_pairs, pairs};
use std::collections::{HashMap, HashSet};

/// Every (anchor, closer, farther) that `rankings` state: the anchor is at least as good as the closer
/// one, which is better than the farther one. In a ranking without such a trio (one best, the rest
/// tied below), nothing is compared: who is like whom was not said. With [`Ties::Equal`], also every
/// two that share a place, with every anchor that is at least as good as they are. Each comparison is
/// as sure as its judgement; one of which the operator is not sure at all gives none.
#[must_use]
pub(super) fn comparisons(rankings: &[Ranking<'_>], ties: Ties) -> Vec<Comparison> {
    let mut all = Vec::new();
    for ranking in rankings {
        let confidence = ranking.confidence();
        if confidence <= 0.0 {
            continue;
        }
        let one = std::slice::from_ref(ranking.judgement);
        let clips = || ranking.places.iter().map(|&(clip, _)| clip);
        let clip: HashMap<&EpisodeId, usize> = ranking.judgement.episodes().zip(clips()).collect();
        let pairs = pairs(one);
        let better: HashSet<(usize, usize)> = pairs
            .iter()
            .filter_map(|p| Some((*clip.get(&p.better)?, *clip.get(&p.worse)?)))
            .collect();
        let mut compare = |anchor, closer, farther, relation| {
            all.push(Comparison {
                anchor,
                closer,
                farther,
                relation,
                confidence,
            });
        };
        for anchor in clips() {
            for closer in clips() {
                let good_enough = anchor != closer && !better.contains(&(closer, anchor));
                for farther in clips() {
                    if good_enough && better.contains(&(closer, farther)) {
                        compare(anchor, closer, farther, Relation::Closer);
                    }
                }
            }
        }
        if ties == Ties::Ignore {
            continue;
        }
        for (first, second) in equal_pairs(one) {
            let (Some(&first), Some(&second)) = (clip.get(&first), clip.get(&second)) else {
                continue;
            };
            for anchor in clips() {
                if ![first, second].contains(&anchor) && !better.contains(&(first, anchor)) {
                    compare(anchor, first, second, Relation::Equal);
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JudgedClips;
    use apprentice_preference::{Answer, Item, Judgement, Span, triplets};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Episodes "0", "1", .. in places of these sizes; the clip of episode i is 10 + i.
    fn judgement(sizes: &[usize], how_sure: f32) -> (Judgement, BTreeMap<EpisodeId, usize>) {
        let mut next = 0..;
        let ranking: Vec<Vec<EpisodeId>> = sizes
            .iter()
            .map(|&n| {
                next.by_ref()
                    .take(n)
                    .map(|i: usize| i.to_string().into())
                    .collect()
            })
            .collect();
        let ids = ranking.iter().flatten().cloned();
        let index = ids.enumerate().map(|(i, id)| (id, 10 + i)).collect();
        (Judgement::ranking(0, "ann", how_sure, ranking, None), index)
    }

    fn stated(sizes: &[usize], how_sure: f32, ties: Ties) -> Vec<Comparison> {
        let (judgement, index) = judgement(sizes, how_sure);
        let judgements = [judgement];
        let judged = JudgedClips::new(&[], &index, &judgements);
        comparisons(&judged.rankings().unwrap(), ties)
    }

    #[test]
    fn a_ranking_gives_every_trio_it_states_and_no_other() {
        let ordered = Comparison {
            anchor: 10,
            closer: 11,
            farther: 12,
            relation: Relation::Closer,
            confidence: 1.0,
        };
        assert_eq!(stated(&[1, 1, 1], 1.0, Ties::Ignore), [ordered]);
        assert_eq!(stated(&[2, 2], 1.0, Ties::Ignore).len(), 4);
        assert!(stated(&[1, 2], 1.0, Ties::Ignore).is_empty());
    }

    #[test]
    fn ties_state_that_two_are_equally_near() {
        let equal = stated(&[1, 2], 1.0, Ties::Equal);
        assert_eq!(equal.len(), 1);
        let found = (equal[0].anchor, equal[0].closer, equal[0].farther);
        assert_eq!((found, equal[0].relation), ((10, 11, 12), Relation::Equal));
        // Three of one place: each is an anchor for the other two, as in the author's triplets.
        assert_eq!(stated(&[3], 1.0, Ties::Equal).len(), 3);
        // Two above a lone one: nobody is as good as the two and neither of them.
        let above = stated(&[2, 1], 1.0, Ties::Equal);
        assert!(above.iter().all(|c| c.relation == Relation::Closer));
    }

    #[test]
    fn comparisons_are_as_sure_as_the_judgement() {
        let half = stated(&[1, 1, 1, 1], 0.5, Ties::Ignore);
        assert!(half.len() == 4 && half.iter().all(|c| c.confidence == 0.5));
        assert!(stated(&[1, 1, 1, 1], 0.0, Ties::Equal).is_empty());
    }

    #[test]
    fn unknown_episodes_are_refused_and_skipped_judgements_passed_over() {
        let (judgement, mut index) = judgement(&[1, 1, 1], 1.0);
        index.remove(&EpisodeId::from("1"));
        let skipped = Judgement::skip(0, "ann", vec!["9".into()], None);
        let judgements = [skipped, judgement];
        let judged = |judgements| JudgedClips::new(&[], &index, judgements);
        assert!(judged(&judgements[..1]).rankings().unwrap().is_empty());
        // Nor do rankings on an axis, or of parts, count as rankings by overall preference.
        let on_axis = Judgement {
            axis: Some("gentleness".into()),
            ..judgements[1].clone()
        };
        let part = Item::part(
            "0".into(),
            Span {
                start_ns: 0,
                end_ns: 1,
            },
        );
        let parts = Judgement::new(0, "ann", Answer::ranking([vec![part]]));
        let others = [on_axis, parts];
        assert!(judged(&others).rankings().unwrap().is_empty());
        let error = judged(&judgements).rankings().unwrap_err().to_string();
        assert!(
            error.contains("unknown episode 1 (2 episodes are known)"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn comparisons_say_what_the_ranking_says(sizes in proptest::collection::vec(1usize..4, 0..5)) {
            let (judgement, index) = judgement(&sizes, 1.0);
            let one = [judgement];
            let clip = |id: &EpisodeId| index[id];
            let all = stated(&sizes, 1.0, Ties::Equal);
            let better: HashSet<_> =
                pairs(&one).iter().map(|p| (clip(&p.better), clip(&p.worse))).collect();
            let equal: HashSet<_> =
                equal_pairs(&one).iter().map(|(a, b)| (clip(a), clip(b))).collect();
            for c in &all {
                prop_assert!(c.anchor != c.closer && c.anchor != c.farther);
                prop_assert!(!better.contains(&(c.closer, c.anchor)));
                let pair = (c.closer, c.farther);
                match c.relation {
                    Relation::Closer => prop_assert!(better.contains(&pair)),
                    Relation::Equal => prop_assert!(equal.contains(&pair)),
                }
            }
            let strict: Vec<_> = all.iter().filter(|c| c.relation == Relation::Closer).collect();
            let distinct: HashSet<_> = strict.iter().map(|c| (c.anchor, c.closer, c.farther)).collect();
            prop_assert_eq!(distinct.len(), strict.len());
            // Every triplet in strict order is one, and without ties there are no others.
            let triplets = triplets(&one);
            for t in &triplets {
                prop_assert!(distinct.contains(&(clip(&t.best), clip(&t.middle), clip(&t.worst))));
            }
            if sizes.iter().all(|&s| s == 1) {
                prop_assert_eq!(all.len(), triplets.len());
            }
            // Anchors of a pair (closer, farther): the closer one's equals, and all above it.
            let mut count = 0;
            for (i, n) in sizes.iter().enumerate() {
                let above: usize = sizes[..i].iter().sum();
                let below: usize = sizes[i + 1..].iter().sum();
                count += n * (above + n - 1) * below;
            }
            prop_assert_eq!(strict.len(), count);
        }
    }
}
