//! Winners and losers among rollouts.

/// A rollout the reward prefers to another, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The preferred rollout.
    pub winner: usize,
    /// The other.
    pub loser: usize,
}

/// Every pair whose winner is among the best `winners` share of all rewards, and whose rewards differ
/// by at least `smallest_gap` standard deviations of them.
#[must_use]
pub fn form_pairs(rewards: &[f64], smallest_gap: f64, winners: f64) -> Vec<Pair> {
    let (_, spread) = mean_and_spread(rewards);
    let gap = smallest_gap * spread;
    let mut pairs = Vec::new();
    for winner in best(rewards, winners) {
        let w = rewards[winner];
        for (loser, &l) in rewards.iter().enumerate() {
            if w > l && w - l >= gap {
                pairs.push(Pair { winner, loser });
            }
        }
    }
    pairs
}

/// The best `share` of rollouts by reward, and those of the same reward as the last of them.
#[must_use]
pub fn best(rewards: &[f64], share: f64) -> Vec<usize> {
    let mut sorted = rewards.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let count = ((rewards.len() as f64 * share).ceil() as usize).clamp(1, rewards.len().max(1));
    let least = sorted.get(count - 1).copied().unwrap_or(f64::INFINITY);
    (0..rewards.len())
        .filter(|&i| rewards[i] >= least)
        .collect()
}

/// Each reward in standard deviations from the mean of all; 0 where all are the same.
#[must_use]
pub fn standardised(rewards: &[f64]) -> Vec<f64> {
    let (mean, spread) = mean_and_spread(rewards);
    let one = |r: &f64| {
        if spread > 0.0 {
            (r - mean) / spread
        } else {
            0.0
        }
    };
    rewards.iter().map(one).collect()
}

fn mean_and_spread(rewards: &[f64]) -> (f64, f64) {
    let n = rewards.len().max(1) as f64;
    let mean = rewards.iter().sum::<f64>() / n;
    let spread = (rewards.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / n).sqrt();
    (mean, spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_rewards_are_not_paired_and_equal_ones_never() {
        let pairs = form_pairs(&[0.0, 0.01, 1.0], 0.5, 1.0);
        assert_eq!(
            pairs,
            [
                Pair {
                    winner: 2,
                    loser: 0
                },
                Pair {
                    winner: 2,
                    loser: 1
                }
            ]
        );
        assert!(form_pairs(&[1.0, 1.0], 0.0, 1.0).is_empty());
    }

    #[test]
    fn standardised_rewards_have_mean_0_and_spread_1() {
        assert_eq!(standardised(&[1.0, 3.0]), [-1.0, 1.0]);
        assert_eq!(standardised(&[2.0, 2.0]), [0.0, 0.0]);
        assert_eq!(best(&[0.0, 2.0, 1.0, 2.0], 0.25), [1, 3]);
    }

    #[test]
    fn only_the_best_win() {
        let pairs = form_pairs(&[0.0, 1.0, 2.0, 3.0], 0.0, 0.25);
        assert_eq!(pairs.len(), 3);
        assert!(pairs.iter().all(|p| p.winner == 3));
    }
}
