//! What an answer is expected to be worth.

use crate::Committee;
use crate::orders::{entropy, orders, probability_of_order};

/// Pairs of episodes that are looked at, at most.
const PAIRS: usize = 2000;
/// Episodes of a group of which every order is gone through; of larger groups only the first so many count.
const MOST: usize = 6;

/// What is expected of the answer to a question.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Worth {
    /// Mutual information of the answer and which member is right, bits.
    pub bits: f64,
    /// Entropy of the answer, bits: how hard it is to foresee, by the mean of all members.
    pub answer_bits: f64,
}

/// Information that the order of `group` gives of which member is right: the entropy of the answer less its mean
/// entropy given a member (Bıyık et al. 2019, arXiv 1910.04365; Houlsby et al. 2011, arXiv 1112.5745). Answers that no
/// member foresees are worth nothing.
#[must_use]
pub fn information(committee: &Committee, group: &[usize]) -> Worth {
    let group = &group[..group.len().min(MOST)];
    let orders = orders(group.len());
    let members = committee.logits(group);
    let mut mixture = vec![0.0; orders.len()];
    let mut given = 0.0;
    for logits in &members {
        let own: Vec<f64> = orders
            .iter()
            .map(|o| probability_of_order(logits, o))
            .collect();
        given += entropy(&own) / members.len() as f64;
        for (all, own) in mixture.iter_mut().zip(&own) {
            *all += own / members.len() as f64;
        }
    }
    let answer_bits = entropy(&mixture);
    Worth {
        bits: (answer_bits - given).max(0.0),
        answer_bits,
    }
}

/// How much members differ in which of two is better: the variance of the probability they give it, the mean over the
/// pairs of `group` (Christiano et al. 2017, arXiv 1706.03741, section 2.2.4). 0 to 0.25.
#[must_use]
pub fn disagreement(committee: &Committee, group: &[usize]) -> f64 {
    let members = committee.logits(group);
    let count = members.len().max(1) as f64;
    let (mut sum, mut pairs) = (0.0, 0);
    for i in 0..group.len() {
        for j in 0..i {
            let wins = members.iter().map(|l| 1.0 / (1.0 + (l[j] - l[i]).exp()));
            let (mut mean, mut square) = (0.0, 0.0);
            for p in wins {
                mean += p / count;
                square += p * p / count;
            }
            sum += (square - mean * mean).max(0.0);
            pairs += 1;
        }
    }
    sum / f64::from(pairs.max(1))
}

/// Share of the pool's pairs that the committee expects itself to order right, each member's vote counting `weights`.
fn expected_accuracy(votes: &[Vec<bool>], weights: &[f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    let sure = |votes: &Vec<bool>| {
        let votes = votes.iter().zip(weights);
        let first: f64 = votes.filter(|v| *v.0).map(|v| v.1).sum();
        let share = if total > 0.0 { first / total } else { 0.5 };
        share.max(1.0 - share)
    };
    votes.iter().map(sure).sum::<f64>() / votes.len().max(1) as f64
}

/// By how much the answer on `group` is expected to raise the share of the pool's pairs in the right order, as far as
/// the committee can tell: members are weighed anew by each answer they foresaw (expected error reduction; Roy and
/// McCallum 2001). 0 to 0.5. A committee whose members are all wrong in the same way does not know it.
#[must_use]
pub fn accuracy_gain(committee: &Committee, group: &[usize]) -> f64 {
    let votes = votes(committee);
    let group = &group[..group.len().min(MOST)];
    let members = committee.logits(group);
    let count = members.len();
    if count < 2 || votes.is_empty() {
        return 0.0;
    }
    let before = expected_accuracy(&votes, &vec![1.0; count]);
    let mut after = 0.0;
    for order in orders(group.len()) {
        let weights: Vec<f64> = members
            .iter()
            .map(|l| probability_of_order(l, &order))
            .collect();
        let probability = weights.iter().sum::<f64>() / count as f64;
        after += probability * expected_accuracy(&votes, &weights);
    }
    (after - before).max(0.0)
}

/// For some pairs of the pool, evenly spread, which members put the first above the second.
fn votes(committee: &Committee) -> Vec<Vec<bool>> {
    pairs_of_pool(committee)
        .into_iter()
        .map(|(i, j)| committee.utilities.iter().map(|u| u[i] > u[j]).collect())
        .collect()
}

/// Pairs of the pool, all or so many evenly spread.
pub(crate) fn pairs_of_pool(committee: &Committee) -> Vec<(usize, usize)> {
    let count = committee.utilities.first().map_or(0, Vec::len);
    let all = count * count.saturating_sub(1) / 2;
    let step = all.div_ceil(PAIRS).max(1);
    let pairs = (0..count).flat_map(|j| (0..j).map(move |i| (i, j)));
    pairs.step_by(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two members that agree on 0 and 1, and not on 2 and 3.
    fn committee() -> Committee {
        let mut committee = Committee::of_scores(vec![vec![0.0; 4]; 2], 3);
        committee.utilities = vec![vec![2.0, 1.0, 0.0, -3.0], vec![2.0, 1.0, -3.0, 0.0]];
        committee
    }

    #[test]
    fn what_members_agree_on_teaches_nothing_and_two_of_them_are_worth_a_bit_at_most() {
        let committee = committee();
        let agreed = information(&committee, &[0, 1]);
        assert!(
            agreed.bits < 1e-12 && agreed.answer_bits > 0.0,
            "{agreed:?}"
        );
        let open = information(&committee, &[2, 3]);
        // Logits 6 apart, one way or the other: the answer says which member is right but for a slip.
        let slip: f64 = 1.0 / (1.0 + 6f64.exp());
        let exact = 1.0 - entropy(&[slip, 1.0 - slip]);
        assert!((open.bits - exact).abs() < 1e-9, "{open:?} {exact}");
        assert!(information(&committee, &[0, 1, 2, 3]).bits <= 1.0);
        assert!(disagreement(&committee, &[0, 1]) < 1e-12);
        let apart = 0.5 - slip;
        assert!((disagreement(&committee, &[2, 3]) - apart * apart).abs() < 1e-9);
    }

    /// Independent of the sum over orders: answers are drawn from members, and what each answer says of the member
    /// is counted.
    #[test]
    fn information_is_that_of_answers_drawn_by_lot() {
        use apprentice_core::Seed;
        use rand::Rng as _;
        let mut rng = Seed(3).rng();
        let scores = (0..3).map(|_| (0..3).map(|_| rng.random_range(-1.0..1.0)).collect());
        let committee = Committee::of_scores(scores.collect(), 3);
        let group = [0, 1, 2];
        let logits = committee.logits(&group);
        let draws = 200_000;
        let mut counts = std::collections::BTreeMap::<(usize, [usize; 3]), f64>::new();
        for _ in 0..draws {
            let member = rng.random_range(0..3);
            // The largest of utilities with Gumbel noise is a draw from the softmax, and so on down.
            let mut noisy: Vec<(f64, usize)> = (logits[member].iter())
                .map(|l| l - (-(rng.random::<f64>().max(1e-300).ln())).ln())
                .zip(0..)
                .collect();
            noisy.sort_by(|a, b| b.0.total_cmp(&a.0));
            let order = [noisy[0].1, noisy[1].1, noisy[2].1];
            *counts.entry((member, order)).or_default() += 1.0 / f64::from(draws);
        }
        let mut of_order = std::collections::BTreeMap::<[usize; 3], f64>::new();
        for ((_, order), p) in &counts {
            *of_order.entry(*order).or_default() += p;
        }
        let drawn: f64 = counts
            .iter()
            .map(|((_, o), p)| p * (p / (of_order[o] / 3.0)).log2())
            .sum();
        let exact = information(&committee, &group).bits;
        assert!((drawn - exact).abs() < 0.005, "{drawn} {exact}");
    }

    #[test]
    fn an_answer_that_tells_members_apart_raises_the_accuracy_that_is_expected() {
        let committee = committee();
        assert!(accuracy_gain(&committee, &[0, 1]) < 1e-12);
        // One of six pairs is open: half right before, nearly right afterwards.
        let gain = accuracy_gain(&committee, &[2, 3]);
        assert!((gain - 0.5 / 6.0).abs() < 0.001, "{gain}");
        assert_eq!(
            accuracy_gain(&Committee::of_scores(Vec::new(), 0), &[0]),
            0.0
        );
    }
}
