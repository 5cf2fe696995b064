//! How well scores agree with a truth.

/// Spearman's rank correlation, ties by mean rank; 0 when either side is constant or the lengths
/// differ.
#[must_use]
pub fn spearman(a: &[f64], b: &[f64]) -> f64 {
    if a.len() != b.len() || a.len() < 2 {
        return 0.0;
    }
    let (x, y) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 + 1.0) / 2.0;
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(&y) {
        xy += (x - mean) * (y - mean);
        xx += (x - mean) * (x - mean);
        yy += (y - mean) * (y - mean);
    }
    if xx == 0.0 || yy == 0.0 {
        0.0
    } else {
        xy / (xx * yy).sqrt()
    }
}

/// Ranks from 1, equal values sharing the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    for group in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let below = order
            .iter()
            .take_while(|&&i| values[i] < values[group[0]])
            .count() as f64;
        group
            .iter()
            .for_each(|&i| ranks[i] = below + (group.len() as f64 + 1.0) / 2.0);
    }
    ranks
}

/// Share of pairs with different truth that `scores` put in the same order (a tied score counts
/// half), and the number of such pairs. A triplet best > middle > worst is three of them.
#[must_use]
pub fn triplet_accuracy(scores: &[f64], truth: &[f64]) -> (f64, usize) {
    let (mut right, mut pairs) = (0.0, 0usize);
    for i in 0..scores.len().min(truth.len()) {
        for j in 0..i {
            let want = truth[i] - truth[j];
            if want != 0.0 {
                pairs += 1;
                let got = (scores[i] - scores[j]) * want.signum();
                right += if got > 0.0 {
                    1.0
                } else if got == 0.0 {
                    0.5
                } else {
                    0.0
                };
            }
        }
    }
    (
        if pairs == 0 {
            0.5
        } else {
            right / pairs as f64
        },
        pairs,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spearman_handles_order_and_ties() {
        assert!((spearman(&[1.0, 2.0, 3.0], &[10.0, 20.0, 90.0]) - 1.0).abs() < 1e-12);
        assert!((spearman(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]) + 1.0).abs() < 1e-12);
        // scipy.stats.spearmanr([1, 2, 2, 4], [1, 3, 2, 4]) = 0.9486832980505139
        assert!(
            (spearman(&[1.0, 2.0, 2.0, 4.0], &[1.0, 3.0, 2.0, 4.0]) - 0.948_683_298_050_513_9)
                .abs()
                < 1e-12
        );
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), 0.0);
    }

    #[test]
    fn accuracy_counts_pairs_with_a_difference() {
        let (share, pairs) = triplet_accuracy(&[3.0, 2.0, 1.0], &[2.0, 1.0, 1.0]);
        assert_eq!((share, pairs), (1.0, 2));
        assert_eq!(triplet_accuracy(&[1.0, 1.0], &[0.0, 1.0]), (0.5, 1));
    }
}
