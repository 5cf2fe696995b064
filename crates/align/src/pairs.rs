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
    let n = rewards.len().max(1) as f64;
    let mean = rewards.iter().sum::<f64>() / n;
    let spread = (rewards.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / n).sqrt();
    let gap = smallest_gap * spread;
    let mut sorted = rewards.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let count = ((rewards.len() as f64 * winners).ceil() as usize).clamp(1, rewards.len().max(1));
    let least = sorted.get(count - 1).copied().unwrap_or(f64::INFINITY);
    let mut pairs = Vec::new();
    for (winner, w) in rewards.iter().enumerate().filter(|(_, w)| **w >= least) {
        for (loser, l) in rewards.iter().enumerate() {
            if w > l && w - l >= gap {
                pairs.push(Pair { winner, loser });
            }
        }
    }
    pairs
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
    fn only_the_best_win() {
        let pairs = form_pairs(&[0.0, 1.0, 2.0, 3.0], 0.0, 0.25);
        assert_eq!(pairs.len(), 3);
        assert!(pairs.iter().all(|p| p.winner == 3));
    }
}
