//! Do the rankings say anything? A permutation test on rankings the reward has not seen.

use apprentice_core::Seed;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// How sure we can be that the rankings share a signal the reward has found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Share of pairs of a ranking's best episodes with its others, in rankings it has not seen, that
    /// the reward orders as they do: what the reward is used for is to tell the best from the rest.
    pub accuracy: f64,
    /// Pairs counted.
    pub pairs: usize,
    /// Chance of at least this accuracy if every ranking were in random order.
    pub p_value: f64,
}

/// For each unseen ranking: the scores the reward gave its episodes, and their tier (0 = best).
pub type HeldOutRanking = (Vec<f64>, Vec<usize>);

/// Compares the agreement between scores and tiers with that of tiers shuffled within rankings.
#[must_use]
pub fn permutation_test(rankings: &[HeldOutRanking], permutations: usize, seed: Seed) -> Evidence {
    let (agreed, pairs) = total(rankings.iter().map(|(s, t)| agreement(s, t)));
    let mut rng = seed.rng();
    let mut as_good = 1usize;
    for _ in 0..permutations {
        let shuffled = rankings.iter().map(|(scores, tiers)| {
            let mut tiers = tiers.clone();
            tiers.shuffle(&mut rng);
            agreement(scores, &tiers)
        });
        if total(shuffled).0 >= agreed - 1e-12 {
            as_good += 1;
        }
    }
    let accuracy = if pairs == 0 {
        0.5
    } else {
        0.5 + agreed / (2.0 * pairs as f64)
    };
    Evidence {
        accuracy,
        pairs,
        p_value: as_good as f64 / (permutations + 1) as f64,
    }
}

fn total(parts: impl Iterator<Item = (f64, usize)>) -> (f64, usize) {
    parts.fold((0.0, 0), |(a, n), (agreed, pairs)| (a + agreed, n + pairs))
}

/// Of pairs of a best-ranked episode with another: (those in the same order - those in the opposite
/// order, how many there are).
fn agreement(scores: &[f64], tiers: &[usize]) -> (f64, usize) {
    let (mut sum, mut pairs) = (0.0, 0);
    let best = tiers.iter().min();
    for i in 0..scores.len() {
        for j in 0..i {
            if tiers[i] != tiers[j] && Some(tiers[i].min(tiers[j])).as_ref() == best {
                pairs += 1;
                let better = if tiers[i] < tiers[j] {
                    scores[i] - scores[j]
                } else {
                    scores[j] - scores[i]
                };
                sum += if better > 0.0 {
                    1.0
                } else if better < 0.0 {
                    -1.0
                } else {
                    0.0
                };
            }
        }
    }
    (sum, pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng as _;

    fn rankings(wrong: usize, seed: u64) -> Vec<HeldOutRanking> {
        let mut rng = Seed(seed).rng();
        (0..20)
            .map(|i| {
                let tiers = vec![0, 0, 1, 1];
                let sign = if i < wrong { 1.0 } else { -1.0 };
                let scores = tiers
                    .iter()
                    .map(|&t| sign * t as f64 + 0.01 * rng.random::<f64>())
                    .collect();
                (scores, tiers)
            })
            .collect()
    }

    #[test]
    fn a_fifth_wrong_is_still_evidence_and_noise_is_not() {
        let sure = permutation_test(&rankings(4, 1), 999, Seed(1));
        assert!(
            (sure.accuracy - 0.8).abs() < 1e-9 && sure.p_value < 0.005,
            "{sure:?}"
        );
        let noise = permutation_test(&rankings(10, 1), 999, Seed(1));
        assert!(noise.p_value > 0.2, "{noise:?}");
    }
}
