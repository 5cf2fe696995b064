//! How consistent a person is: some questions are asked again, their clips in another order.

use apprentice_core::Seed;
use apprentice_preference::{Answer, Item, Judgement};
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use std::collections::{BTreeMap, BTreeSet};

/// Questions that have to lie between a question and itself.
const BETWEEN: usize = 3;

/// What a person said twice of the same clips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consistency {
    /// Questions that were answered again.
    pub questions: usize,
    /// Pairs of clips in them.
    pub pairs: usize,
    /// Pairs of which the same was said.
    pub same: usize,
    /// Pairs of which the contrary was said; the rest are ties once and not the other time.
    pub contrary: usize,
}

/// A ranking's items, if it was answered, of whole episodes and over all.
fn group(judgement: &Judgement) -> Option<BTreeSet<&Item>> {
    judgement.episode_tiers()?;
    Some(judgement.answer.items().into_iter().collect())
}

/// The place of each item, 0 the best.
fn places(judgement: &Judgement) -> BTreeMap<&Item, usize> {
    let Answer::Ranking { tiers } = &judgement.answer else {
        return BTreeMap::new();
    };
    let each = tiers.iter().enumerate();
    each.flat_map(|(place, tier)| tier.iter().map(move |item| (item, place)))
        .collect()
}

impl Consistency {
    /// Of what `who` said.
    #[must_use]
    pub fn of(said: &[Judgement], who: &str) -> Self {
        let mut first: BTreeMap<BTreeSet<&Item>, &Judgement> = BTreeMap::new();
        let mut found = Self::default();
        for judgement in said.iter().filter(|j| j.who == who) {
            let Some(group) = group(judgement) else {
                continue;
            };
            let Some(before) = first.get(&group) else {
                first.insert(group, judgement);
                continue;
            };
            found.questions += 1;
            let (then, now) = (places(before), places(judgement));
            let items: Vec<&Item> = group.into_iter().collect();
            for (i, a) in items.iter().enumerate() {
                for b in &items[..i] {
                    let (then, now) = (then[a].cmp(&then[b]), now[a].cmp(&now[b]));
                    found.pairs += 1;
                    found.same += usize::from(then == now);
                    found.contrary += usize::from(then == now.reverse() && then.is_ne());
                }
            }
        }
        found
    }

    /// In a sentence; `None` where nothing was asked again.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        (self.pairs > 0).then(|| {
            format!(
                "Asked again: of {} pairs in {} questions you said the same of {} and the contrary of {}.",
                self.pairs, self.questions, self.same, self.contrary
            )
        })
    }
}

/// A question that `who` answered and is to be asked once more, its items in another order; `None` where it is not time
/// for one. Of `share` of all questions; no question a third time, none that was just asked.
#[must_use]
pub fn question_again(said: &[Judgement], who: &str, share: f64, seed: Seed) -> Option<Vec<Item>> {
    let mut times: BTreeMap<BTreeSet<&Item>, usize> = BTreeMap::new();
    let own: Vec<&Judgement> = said
        .iter()
        .filter(|j| j.who == who && group(j).is_some())
        .collect();
    for group in own.iter().filter_map(|j| group(j)) {
        *times.entry(group).or_default() += 1;
    }
    let again = own.len() - times.len();
    // The next one included, no more than the share.
    if (again + 1) as f64 > share * (own.len() + 1) as f64 {
        return None;
    }
    let old = own.get(..own.len().checked_sub(BETWEEN)?)?;
    let once: Vec<&&Judgement> = old
        .iter()
        .filter(|j| group(j).is_some_and(|g| times.get(&g) == Some(&1)))
        .collect();
    let mut rng = seed.derive("asked again", own.len() as u64).rng();
    let items: Vec<Item> = once
        .choose(&mut rng)?
        .answer
        .items()
        .into_iter()
        .cloned()
        .collect();
    // As they stand in the answer, they would tell it.
    let mut shuffled = items.clone();
    while shuffled == items && items.len() > 1 {
        shuffled.shuffle(&mut rng);
    }
    Some(shuffled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(who: &str, tiers: &[&[&str]]) -> Judgement {
        let tiers = tiers
            .iter()
            .map(|t| t.iter().map(|&id| id.into()).collect())
            .collect();
        Judgement::ranking(0, who, 1.0, tiers, None)
    }

    #[test]
    fn what_was_said_twice_is_compared_pair_by_pair() {
        let said = [
            ranking("ann", &[&["a"], &["b"], &["c"]]),
            ranking("bob", &[&["c"], &["b"], &["a"]]),
            ranking("ann", &[&["a"], &["d"]]),
            Judgement::skip(0, "ann", vec!["a".into(), "b".into(), "c".into()], None),
            ranking("ann", &[&["b"], &["a", "c"]]),
        ];
        let found = Consistency::of(&said, "ann");
        // a, b turned round; a, c a tie; b, c the same.
        let expected = Consistency {
            questions: 1,
            pairs: 3,
            same: 1,
            contrary: 1,
        };
        assert_eq!(found, expected);
        assert!(found.sentence().unwrap().contains("3 pairs in 1 questions"));
        assert_eq!(Consistency::of(&said, "bob").sentence(), None);
    }

    #[test]
    fn a_share_of_the_questions_comes_again_in_another_order() {
        let mut said: Vec<Judgement> = Vec::new();
        let mut again = 0;
        for i in 0..60 {
            match question_again(&said, "ann", 0.1, Seed(i)) {
                Some(items) => {
                    let before = said.iter().rev().skip(BETWEEN);
                    let of = |j: &&Judgement| {
                        let listed: Vec<&Item> = j.answer.items();
                        listed.iter().all(|item| items.contains(item))
                    };
                    let first = before.filter(of).count();
                    assert_eq!(first, 1, "none a third time, none just asked");
                    again += 1;
                    let ids = items.iter().map(|item| vec![item.episode.clone()]);
                    said.push(Judgement::ranking(0, "ann", 1.0, ids.collect(), None));
                }
                None => {
                    let (a, b) = (format!("a{i}"), format!("b{i}"));
                    said.push(ranking("ann", &[&[&a], &[&b]]));
                }
            }
        }
        assert!((5..=6).contains(&again), "{again}");
        assert_eq!(Consistency::of(&said, "ann").questions, again);
        assert_eq!(question_again(&said, "ann", 0.0, Seed(1)), None);
        assert_eq!(question_again(&said, "bob", 1.0, Seed(1)), None);
    }
}
