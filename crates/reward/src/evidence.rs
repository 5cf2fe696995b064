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

impl Evidence {
    /// About how many more rankings make the chance of a fluke `limit` or less, if they agree as those `rankings` have;
    /// `None` where they agree no better than chance, so that no number would.
    ///
    /// The test's standard score grows with the square root of the number of rankings.
    #[must_use]
    pub fn more_rankings(&self, rankings: usize, limit: f64) -> Option<usize> {
        let (now, wanted) = (upper_quantile(self.p_value), upper_quantile(limit));
        if self.pairs == 0 || rankings == 0 || now <= 0.0 {
            return None;
        }
        if now >= wanted {
            return Some(0);
        }
        let needed = (rankings as f64 * (wanted / now).powi(2)).ceil();
        Some((needed as usize).saturating_sub(rankings).max(1))
    }
}

/// The standard normal deviate that is exceeded with this probability, to 4.5e-4 (Abramowitz and Stegun, 26.2.23).
fn upper_quantile(probability: f64) -> f64 {
    let p = probability.clamp(1e-12, 1.0 - 1e-12);
    if p > 0.5 {
        return -upper_quantile(1.0 - p);
    }
    let t = (-2.0 * p.ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    t - above / below
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
    fn how_many_more_rankings_would_do_follows_the_standard_score() {
        assert!((upper_quantile(0.01) - 2.326_35).abs() < 5e-4);
        assert!((upper_quantile(0.9) + 1.281_55).abs() < 5e-4);
        let thin = |p_value| Evidence {
            accuracy: 0.8,
            pairs: 20,
            p_value,
        };
        // From 1.6449 to 2.3263 it takes 2.0003 times as many.
        assert_eq!(thin(0.05).more_rankings(10, 0.01), Some(11));
        assert_eq!(thin(0.01).more_rankings(10, 0.01), Some(0));
        assert_eq!(thin(0.6).more_rankings(10, 0.01), None);
        assert_eq!(thin(0.05).more_rankings(0, 0.01), None);
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
