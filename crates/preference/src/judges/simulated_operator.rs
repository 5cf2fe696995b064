//! An operator made of numbers, to measure what rankings are worth.

use crate::Judgement;
use apprentice_core::Seed;
use apprentice_episode::EpisodeId;
use rand::seq::{SliceRandom, index};
use std::collections::BTreeSet;

/// Ranks episodes by a hidden number, wrongly as often as told.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedOperator {
    /// Name in the judgements.
    pub who: String,
    /// Share of wrong rankings, 0 to 1: exactly `round(error_rate * n)` of `n` rankings, chosen by
    /// the seed, are turned round.
    pub error_rate: f64,
    /// Every ranking's order is replaced by a random one: the control that must teach nothing.
    pub shuffle: bool,
    /// Time stamp of every judgement, milliseconds since 1970 UTC.
    pub when_unix_ms: u64,
}

impl Default for SimulatedOperator {
    fn default() -> Self {
        Self {
            who: "simulated".into(),
            error_rate: 0.0,
            shuffle: false,
            when_unix_ms: 0,
        }
    }
}

impl SimulatedOperator {
    /// Ranks each group by its hidden utilities, highest first; equal utilities tie. A shuffled
    /// ranking keeps the number and sizes of its places; where all tied, it draws two halves.
    #[must_use]
    pub fn rank(&self, groups: &[Vec<(EpisodeId, f64)>], seed: Seed) -> Vec<Judgement> {
        let n = groups.len();
        // Clamped, so never more than n; not-a-number counts as no errors.
        let wrong = (self.error_rate.clamp(0.0, 1.0) * n as f64).round() as usize;
        let wrong: BTreeSet<usize> =
            index::sample(&mut seed.derive("wrong rankings", 0).rng(), n, wrong)
                .into_iter()
                .collect();
        let judge = |(i, group): (usize, &Vec<(EpisodeId, f64)>)| {
            let mut ranking = places(group);
            if wrong.contains(&i) {
                ranking.reverse();
            }
            if self.shuffle {
                permute(&mut ranking, seed.derive("shuffled ranking", i as u64));
            }
            Judgement::new(self.when_unix_ms, &self.who, 1.0, ranking, None)
        };
        groups.iter().enumerate().map(judge).collect()
    }
}

fn places(group: &[(EpisodeId, f64)]) -> Vec<Vec<EpisodeId>> {
    let mut sorted: Vec<_> = group.iter().collect();
    sorted.sort_by(|a, b| b.1.total_cmp(&a.1));
    sorted
        .chunk_by(|a, b| a.1 == b.1)
        .map(|place| place.iter().map(|(id, _)| id.clone()).collect())
        .collect()
}

fn permute(ranking: &mut Vec<Vec<EpisodeId>>, seed: Seed) {
    if let [tied] = ranking.as_mut_slice() {
        // Whoever shuffles does not look, so does not see that they are all the same.
        let rest = tied.split_off(tied.len() / 2);
        ranking.push(rest);
        ranking.retain(|place| !place.is_empty());
    }
    let mut ids: Vec<EpisodeId> = ranking.iter().flatten().cloned().collect();
    ids.shuffle(&mut seed.rng());
    for (slot, id) in ranking.iter_mut().flatten().zip(ids) {
        *slot = id;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pairs;
    use proptest::prelude::*;

    fn groups(n: usize) -> Vec<Vec<(EpisodeId, f64)>> {
        (0..n)
            .map(|g| {
                (0..4)
                    .map(|e| (EpisodeId::new(format!("{g}-{e}")), f64::from(e)))
                    .collect()
            })
            .collect()
    }

    /// Share of pairs that put the higher utility (the last digit) first.
    fn agreement(judgements: &[Judgement]) -> f64 {
        let pairs = pairs(judgements);
        let right = pairs.iter().filter(|p| {
            let utility = |id: &EpisodeId| id.as_str().chars().last();
            utility(&p.better) > utility(&p.worse)
        });
        right.count() as f64 / pairs.len() as f64
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_share_of_wrong_rankings_is_exact(n in 1usize..40, rate in 0.0f64..=1.0, seed: u64) {
            let operator = SimulatedOperator { error_rate: rate, ..Default::default() };
            let judgements = operator.rank(&groups(n), Seed(seed));
            let wrong = judgements.iter().filter(|j| agreement(std::slice::from_ref(j)) == 0.0);
            prop_assert_eq!(wrong.count(), (rate * n as f64).round() as usize);
        }
    }

    #[test]
    fn equal_utilities_tie() {
        let group = vec![("a".into(), 0.0), ("b".into(), 1.0), ("c".into(), 0.0)];
        let judgement = &SimulatedOperator::default().rank(&[group], Seed(1))[0];
        let expected: [Vec<EpisodeId>; 2] = [vec!["b".into()], vec!["a".into(), "c".into()]];
        assert_eq!(judgement.ranking, expected);
    }

    #[test]
    fn shuffled_rankings_agree_by_chance() {
        let operator = SimulatedOperator {
            shuffle: true,
            ..Default::default()
        };
        let judgements = operator.rank(&groups(500), Seed(5));
        // 3000 pairs, dependent within a ranking: 0.5 give or take 0.05 is beyond 4 deviations.
        assert!((agreement(&judgements) - 0.5).abs() < 0.05);
        assert_eq!(judgements, operator.rank(&groups(500), Seed(5)));
        assert_ne!(judgements, operator.rank(&groups(500), Seed(6)));
    }
}
