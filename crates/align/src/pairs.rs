//! Winners and losers among rollouts.

/// A rollout the reward prefers to another, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The preferred rollout.
    pub winner: usize,
    /// The other.
    pub loser: usize,
}

/// Every pair whose rewards differ by at least `smallest_gap` standard deviations of all rewards.
#[must_use]
pub fn form_pairs(rewards: &[f64], smallest_gap: f64) -> Vec<Pair> {
    let n = rewards.len().max(1) as f64;
    let mean = rewards.iter().sum::<f64>() / n;
    let spread = (rewards.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / n).sqrt();
    let gap = smallest_gap * spread;
    let mut pairs = Vec::new();
    for (winner, w) in rewards.iter().enumerate() {
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
        let pairs = form_pairs(&[0.0, 0.01, 1.0], 0.5);
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
        assert!(form_pairs(&[1.0, 1.0], 0.0).is_empty());
    }
}
