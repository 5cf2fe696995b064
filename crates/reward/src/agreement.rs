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
/// half), and the number of such pairs.
#[must_use]
pub fn pair_accuracy(scores: &[f64], truth: &[f64]) -> (f64, usize) {
    let mut tally = Tally::default();
    for i in 0..scores.len().min(truth.len()) {
        for j in 0..i {
            if truth[i] != truth[j] {
                tally.count((scores[i] - scores[j]) * (truth[i] - truth[j]).signum());
            }
        }
    }
    tally.share()
}

/// The episodes of the highest truth: the anchors that a preference is measured from.
#[must_use]
pub fn highest(truth: &[f64]) -> Vec<usize> {
    let highest = truth.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (0..truth.len()).filter(|&i| truth[i] == highest).collect()
}

/// Share of triplets (anchor, better, worse) in which the anchor is more similar to the better one (equal
/// similarities count half), and the number of triplets. Anchors are those of [`highest`]; the two
/// others are any with different truth. `similarity` is asked for the anchor's number among the anchors
/// and the other's among all.
#[must_use]
pub fn triplet_accuracy(truth: &[f64], similarity: impl Fn(usize, usize) -> f64) -> (f64, usize) {
    let mut tally = Tally::default();
    each_triplet(truth, |anchor, first, second| {
        let nearer = similarity(anchor, first) - similarity(anchor, second);
        tally.count(nearer * (truth[first] - truth[second]).signum());
    });
    tally.share()
}

/// Share of the triplets of [`triplet_accuracy`] answered right by always naming the episode that is
/// listed first, or always the second, whichever is right more often.
#[must_use]
pub fn majority_baseline(truth: &[f64]) -> f64 {
    let mut tally = Tally::default();
    each_triplet(truth, |_, first, second| {
        tally.count(truth[first] - truth[second]);
    });
    let (share, _) = tally.share();
    share.max(1.0 - share)
}

/// Every anchor (by its number among the anchors) with every two others of different truth, in the order
/// they are listed.
fn each_triplet(truth: &[f64], mut visit: impl FnMut(usize, usize, usize)) {
    for (number, anchor) in highest(truth).into_iter().enumerate() {
        for second in (0..truth.len()).filter(|&i| i != anchor) {
            for first in (0..second).filter(|&i| i != anchor) {
                if truth[first] != truth[second] {
                    visit(number, first, second);
                }
            }
        }
    }
}

/// Answers counted: right ones, half of undecided ones, and all.
#[derive(Default)]
struct Tally {
    right: f64,
    all: usize,
}

impl Tally {
    /// An answer that is right when `sign` is positive.
    fn count(&mut self, sign: f64) {
        self.all += 1;
        self.right += if sign > 0.0 {
            1.0
        } else if sign == 0.0 {
            0.5
        } else {
            0.0
        };
    }

    /// Share of right answers (0.5 where nothing was asked), and how many were asked.
    fn share(&self) -> (f64, usize) {
        let share = if self.all == 0 {
            0.5
        } else {
            self.right / self.all as f64
        };
        (share, self.all)
    }
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
        let (share, pairs) = pair_accuracy(&[3.0, 2.0, 1.0], &[2.0, 1.0, 1.0]);
        assert_eq!((share, pairs), (1.0, 2));
        assert_eq!(pair_accuracy(&[1.0, 1.0], &[0.0, 1.0]), (0.5, 1));
    }

    /// Places on a line; the two best are at 0 and 1.
    const TRUTH: [f64; 5] = [0.0, 2.0, 1.0, 2.0, 0.0];
    const PLACE: [f64; 5] = [9.0, 0.0, 3.0, 1.0, -2.5];

    #[test]
    fn triplets_have_one_of_the_best_as_anchor() {
        assert_eq!(highest(&TRUTH), [1, 3]);
        let near = |anchor: usize, other: usize| -(PLACE[[1, 3][anchor]] - PLACE[other]).abs();
        // Each anchor with five pairs of others. Wrong is only that -2.5 is nearer to 0 than 3 is.
        assert_eq!(triplet_accuracy(&TRUTH, near), (0.9, 10));
        assert_eq!(triplet_accuracy(&TRUTH, |_, _| 0.0), (0.5, 10));
        assert_eq!(triplet_accuracy(&[1.0, 1.0], |_, _| 0.0), (0.5, 0));
    }

    #[test]
    fn the_majority_is_the_more_common_order_of_the_list() {
        // Anchor 1 sees 0<2, 0<3, 2<3, 2>4, 3>4; anchor 3 sees 0<1, 0<2, 1>2, 1>4, 2>4.
        assert_eq!(majority_baseline(&TRUTH), 0.5);
        assert_eq!(majority_baseline(&[2.0, 2.0, 1.0, 0.0]), 1.0);
        assert_eq!(majority_baseline(&[0.0, 0.0]), 0.5);
    }
}
