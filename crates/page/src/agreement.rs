//! How far operators agree.

use apprentice_episode::EpisodeId;
use apprentice_preference::Judgement;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How far two operators agree on the groups that both have ranked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// The two.
    pub between: [String; 2],
    /// Groups that both ranked.
    pub groups: usize,
    /// Pairs of episodes that one put in the opposite order of the other.
    pub opposite: usize,
    /// Kendall's tau-b over the pairs within groups, -1 to 1 (Kendall 1945, "The treatment of ties in ranking
    /// problems", Biometrika 33); `None` where one tied everything.
    pub tau_b: Option<f64>,
}

/// The place of each episode of a group, 0 for the best.
type Places<'a> = BTreeMap<&'a EpisodeId, usize>;
/// For each group its places.
type Ranked<'a> = BTreeMap<BTreeSet<&'a EpisodeId>, Places<'a>>;

/// For each operator, what he or she ranked by overall preference: the newest ranking of each group.
fn by_operator(judgements: &[Judgement]) -> BTreeMap<&str, Ranked<'_>> {
    let mut said: BTreeMap<&str, Ranked<'_>> = BTreeMap::new();
    for judgement in judgements {
        let Some(tiers) = judgement.episode_tiers() else {
            continue;
        };
        let group: BTreeSet<&EpisodeId> = tiers.iter().flatten().copied().collect();
        let places = (0..).zip(&tiers);
        let places = places.flat_map(|(place, tier)| tier.iter().map(move |id| (*id, place)));
        let places: Places<'_> = places.collect();
        said.entry(&judgement.who)
            .or_default()
            .insert(group, places);
    }
    said
}

/// How far each two operators agree who have ranked a group both.
#[must_use]
pub fn agreements(judgements: &[Judgement]) -> Vec<Agreement> {
    let said = by_operator(judgements);
    let operators: Vec<_> = said.iter().collect();
    let mut agreements = Vec::new();
    for (i, (first, of_first)) in operators.iter().enumerate() {
        for (second, of_second) in operators.iter().skip(i + 1) {
            let mut count = PairCount::default();
            let mut groups = 0;
            for (group, places) in *of_first {
                if let Some(others) = of_second.get(group) {
                    groups += 1;
                    count.add(places, others);
                }
            }
            if groups > 0 {
                agreements.push(Agreement {
                    between: [(**first).to_owned(), (**second).to_owned()],
                    groups,
                    opposite: count.opposite,
                    tau_b: count.tau_b(),
                });
            }
        }
    }
    agreements
}

/// Pairs within groups.
#[derive(Default)]
struct PairCount {
    same: usize,
    opposite: usize,
    /// Not tied by the first, whatever the second says; and the other way round.
    untied: [usize; 2],
}

impl PairCount {
    fn add(&mut self, first: &Places<'_>, second: &Places<'_>) {
        let ids: Vec<_> = first.keys().collect();
        for (i, a) in ids.iter().enumerate() {
            for b in ids.iter().skip(i + 1) {
                let [x, y] = [first, second].map(|places| places[*a].cmp(&places[*b]));
                self.untied[0] += usize::from(x.is_ne());
                self.untied[1] += usize::from(y.is_ne());
                self.same += usize::from(x.is_ne() && x == y);
                self.opposite += usize::from(x.is_ne() && x == y.reverse());
            }
        }
    }

    fn tau_b(&self) -> Option<f64> {
        let scale = (self.untied[0] as f64 * self.untied[1] as f64).sqrt();
        (scale > 0.0).then(|| (self.same as f64 - self.opposite as f64) / scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(who: &str, tiers: &[&[&str]]) -> Judgement {
        let tiers = tiers
            .iter()
            .map(|tier| tier.iter().map(|&id| id.into()).collect());
        Judgement::ranking(0, who, 1.0, tiers.collect(), None)
    }

    #[test]
    fn tau_b_counts_ties_as_its_paper_does() {
        let same = [
            ranked("a", &[&["x"], &["y"], &["z"]]),
            ranked("b", &[&["x"], &["y"], &["z"]]),
        ];
        assert_eq!(agreements(&same)[0].tau_b, Some(1.0));
        let opposite = [
            ranked("a", &[&["x"], &["y"]]),
            ranked("b", &[&["y"], &["x"]]),
        ];
        assert_eq!(agreements(&opposite)[0].tau_b, Some(-1.0));
        assert_eq!(agreements(&opposite)[0].opposite, 1);
        // Two of three pairs agree, the third is tied by one: 2 / sqrt(3 * 2).
        let tied = [
            ranked("a", &[&["x"], &["y"], &["z"]]),
            ranked("b", &[&["x"], &["y", "z"]]),
        ];
        let tau = agreements(&tied)[0].tau_b.unwrap();
        assert!((tau - 2.0 / 6.0_f64.sqrt()).abs() < 1e-12, "{tau}");
        let all_tied = [ranked("a", &[&["x", "y"]]), ranked("b", &[&["x"], &["y"]])];
        assert_eq!(agreements(&all_tied)[0].tau_b, None);
    }

    #[test]
    fn groups_that_one_has_not_ranked_do_not_count() {
        let said = [
            ranked("a", &[&["x"], &["y"]]),
            ranked("b", &[&["x"], &["z"]]),
        ];
        assert_eq!(agreements(&said), []);
    }
}
