//! The likelihood of orders with ties under scores: every kind of answer that states an order teaches by it.

use crate::judged_clips::Order;
use nalgebra::{DMatrix, DVector};

/// Negative log likelihood of orders under scores, in the form of Plackett and Luce with the ties of Rao and Kupper
/// (1967).
///
/// Every clip i is chosen before all clips B that stand below its place: `-log(e^{s_i} / (e^{s_i} + theta sum_B
/// e^{s_j}))`. Without ties this is the Plackett-Luce likelihood, and for two clips Bradley and Terry's. Clips of one
/// place do not compete; each two of them count as a tie, `-log((theta^2 - 1) e^d / ((e^d + theta)(1 + theta e^d)))` of
/// their difference d, which pulls them together. With theta 1 ties say nothing.
/// The chances of all answers add up to 1 for two clips, and for more without ties; otherwise it is a composite likelihood. An order of n clips counts its
/// confidence times, whatever n.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Listwise {
    log_theta: f64,
}

/// A loss with its derivatives along the scores.
#[derive(Clone, Debug)]
pub struct Curvature {
    /// The loss.
    pub loss: f64,
    /// Its gradient, a number a clip.
    pub gradient: DVector<f64>,
    /// Its second derivatives, positive semidefinite.
    pub hessian: DMatrix<f64>,
}

impl Listwise {
    /// With the difference of scores, `log theta` (0 or more), below which two clips are as likely tied as not told
    /// apart.
    #[must_use]
    pub fn new(tie_width: f64) -> Self {
        Self {
            log_theta: tie_width.max(0.0),
        }
    }

    /// The loss of `orders` under `scores`, by clip.
    #[must_use]
    pub fn loss(&self, orders: &[Order], scores: &[f64]) -> f64 {
        let mut sum = Sum {
            loss: 0.0,
            curvature: None,
        };
        self.add_all(orders, scores, &mut sum);
        sum.loss
    }

    /// The same with its derivatives.
    #[must_use]
    pub fn curvature(&self, orders: &[Order], scores: &[f64]) -> Curvature {
        let n = scores.len();
        let mut sum = Sum {
            loss: 0.0,
            curvature: Some((DVector::zeros(n), DMatrix::zeros(n, n))),
        };
        self.add_all(orders, scores, &mut sum);
        let (gradient, hessian) = sum.curvature.unwrap_or_default();
        Curvature {
            loss: sum.loss,
            gradient,
            hessian,
        }
    }

    fn add_all(&self, orders: &[Order], scores: &[f64], sum: &mut Sum) {
        for order in orders.iter().filter(|order| order.confidence > 0.0) {
            for &(clip, place) in &order.places {
                let below: Vec<usize> = (order.places.iter())
                    .filter(|other| other.1 > place)
                    .map(|other| other.0)
                    .collect();
                if !below.is_empty() {
                    self.add_choice(clip, &below, scores, order.confidence, sum);
                }
                let tied = order.places.iter().filter(|o| o.1 == place && o.0 > clip);
                if self.log_theta > 0.0 {
                    tied.for_each(|other| {
                        self.add_tie(clip, other.0, scores, order.confidence, sum)
                    });
                }
            }
        }
    }

    fn add_choice(
        &self,
        clip: usize,
        below: &[usize],
        scores: &[f64],
        confidence: f64,
        sum: &mut Sum,
    ) {
        let all = || {
            let others = below.iter().map(|&j| (j, scores[j] + self.log_theta));
            std::iter::once((clip, scores[clip])).chain(others)
        };
        let highest = all().fold(f64::NEG_INFINITY, |h, (_, s)| h.max(s));
        let total: f64 = all().map(|(_, s)| (s - highest).exp()).sum();
        sum.loss += confidence * (highest + total.ln() - scores[clip]);
        let Some((gradient, hessian)) = &mut sum.curvature else {
            return;
        };
        gradient[clip] -= confidence;
        let chances: Vec<(usize, f64)> = all()
            .map(|(j, s)| (j, (s - highest).exp() / total))
            .collect();
        for &(i, p) in &chances {
            gradient[i] += confidence * p;
            hessian[(i, i)] += confidence * p;
            for &(j, q) in &chances {
                hessian[(i, j)] -= confidence * p * q;
            }
        }
    }

    fn add_tie(&self, a: usize, b: usize, scores: &[f64], confidence: f64, sum: &mut Sum) {
        let (difference, width) = (scores[a] - scores[b], self.log_theta);
        // log(theta^2 - 1) = 2 width + log(1 - theta^-2).
        let constant = 2.0 * width + (-(-2.0 * width).exp()).ln_1p();
        let loss = softplus(difference - width) + softplus(difference + width) + width
            - difference
            - constant;
        sum.loss += confidence * loss;
        let Some((gradient, hessian)) = &mut sum.curvature else {
            return;
        };
        let (low, high) = (sigmoid(difference - width), sigmoid(difference + width));
        let slope = confidence * (low + high - 1.0);
        gradient[a] += slope;
        gradient[b] -= slope;
        let bend = confidence * (low * (1.0 - low) + high * (1.0 - high));
        for (i, j, sign) in [(a, a, 1.0), (b, b, 1.0), (a, b, -1.0), (b, a, -1.0)] {
            hessian[(i, j)] += sign * bend;
        }
    }
}

struct Sum {
    loss: f64,
    curvature: Option<(DVector<f64>, DMatrix<f64>)>,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(places: &[usize]) -> Order {
        Order {
            places: places.iter().copied().enumerate().collect(),
            confidence: 1.0,
        }
    }

    #[test]
    fn without_ties_it_is_plackett_and_luces() {
        // Worked by hand: log sums over those left at each choice.
        let scores = [0.3, -0.2, 0.9, 0.1];
        let plain = Listwise::new(0.0);
        assert!((plain.loss(&[order(&[0, 1])], &scores) - 0.474_077).abs() < 1e-6);
        assert!((plain.loss(&[order(&[0, 1, 2, 3])], &scores) - 3.495_252).abs() < 1e-6);
        // One best, the rest tied below: one choice.
        let best = -(0.3f64.exp() / scores.iter().map(|s| s.exp()).sum::<f64>()).ln();
        assert!((plain.loss(&[order(&[0, 1, 1, 1])], &scores) - best).abs() < 1e-12);
        assert_eq!(plain.loss(&[order(&[0, 0, 0, 0])], &scores), 0.0);
    }

    #[test]
    fn two_clips_with_ties_are_rao_and_kuppers() {
        let rule = Listwise::new(5f64.ln());
        for (d, first, tie) in [(0.0, 0.166_667, 0.666_667), (2.0, 0.596_4, 0.377_2)] {
            let chance = |places: &[usize]| (-rule.loss(&[order(places)], &[d, 0.0])).exp();
            assert!((chance(&[0, 1]) - first).abs() < 1e-4, "{d}");
            assert!((chance(&[0, 0]) - tie).abs() < 1e-4, "{d}");
            let all = chance(&[0, 1]) + chance(&[0, 0]) + chance(&[1, 0]);
            assert!((all - 1.0).abs() < 1e-12, "{d}: {all}");
        }
    }

    #[test]
    fn the_derivatives_are_those_of_the_loss() {
        let orders = [order(&[0, 1, 1, 2]), order(&[2, 0, 0, 1])];
        let (rule, at) = (Listwise::new(0.4), [0.3, -0.2, 0.9, 0.1]);
        let found = rule.curvature(&orders, &at);
        assert!((found.loss - rule.loss(&orders, &at)).abs() < 1e-12);
        let step = 1e-5;
        for (i, slope_found) in found.gradient.iter().enumerate() {
            let moved = |by: f64| {
                let mut scores = at;
                scores[i] += by;
                scores
            };
            let slope = (rule.loss(&orders, &moved(step)) - rule.loss(&orders, &moved(-step)))
                / (2.0 * step);
            assert!((slope - slope_found).abs() < 1e-8, "{i}");
            let gradient = |by| rule.curvature(&orders, &moved(by)).gradient;
            let bends = (gradient(step) - gradient(-step)) / (2.0 * step);
            assert!((bends - found.hessian.column(i)).norm() < 1e-8, "{i}");
        }
    }
}
