//! How strong each of some things is, from comparisons of two at a time: a Bradley-Terry posterior.
//!
//! Strengths are in logits: i is preferred to j with probability `1 / (1 + exp(s_j - s_i))` (Bradley and Terry 1952).
//! Before any comparison each is normal around 0 with a standard deviation of [`PRIOR`]; afterwards they are taken as
//! jointly normal around the most probable ones, with the inverse curvature there as covariance (Laplace). The joint
//! covariance is what a rating for each alone, such as `TrueSkill`'s, lacks: two versions that were compared only with
//! each other are known well against each other and badly against the rest.
//!
//! A comparison that was level counts as half a win for each, which keeps the order and makes intervals wider than they
//! need be where many were level.

use crate::comparisons::Comparisons;
use crate::normal::normal_cdf;
use crate::positive_definite::inverse;

/// Standard deviation of a strength before any comparison, logits: two things then differ by less than 4.2 logits (one is
/// preferred in 98.5 % of the comparisons) with a probability of 95 %.
pub const PRIOR: f64 = 1.5;
/// Steps of Newton's method, at most; the likelihood is concave, and a dozen are enough.
const STEPS: usize = 60;
/// The largest change of a strength in one of them, logits.
const LONGEST_STEP: f64 = 2.0;

/// How strong things are, and how sure that is.
#[derive(Clone, Debug, PartialEq)]
pub struct Strengths {
    /// Logits.
    most_probable: Vec<f64>,
    /// Row-major, logits squared.
    covariance: Vec<f64>,
}

/// A share with its interval, each 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PreferredShare {
    /// Most probable.
    pub share: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Strengths {
    /// What comparisons say.
    #[must_use]
    pub fn of(comparisons: &Comparisons) -> Self {
        Self::from(comparisons, vec![0.0; comparisons.items()])
    }

    /// The same, looked for from where they were before one more comparison.
    pub(crate) fn after(&self, comparisons: &Comparisons) -> Self {
        Self::from(comparisons, self.most_probable.clone())
    }

    fn from(comparisons: &Comparisons, mut at: Vec<f64>) -> Self {
        let n = comparisons.items();
        let certainty = 1.0 / (PRIOR * PRIOR);
        let mut covariance = Vec::new();
        for _ in 0..STEPS {
            let mut slope: Vec<f64> = at.iter().map(|s| -s * certainty).collect();
            let mut curvature = vec![0.0; n * n];
            for i in 0..n {
                curvature[i * n + i] += certainty;
                for j in 0..i {
                    let (won, lost) = (comparisons.wins(i, j), comparisons.wins(j, i));
                    let all = won + lost;
                    if all > 0.0 {
                        let expected = logistic(at[i] - at[j]);
                        slope[i] += won - all * expected;
                        slope[j] -= won - all * expected;
                        let weight = all * expected * (1.0 - expected);
                        curvature[i * n + i] += weight;
                        curvature[j * n + j] += weight;
                        curvature[i * n + j] -= weight;
                        curvature[j * n + i] -= weight;
                    }
                }
            }
            covariance = inverse(curvature, n);
            let step: Vec<f64> = covariance
                .chunks_exact(n)
                .map(|row| row.iter().zip(&slope).map(|(c, s)| c * s).sum())
                .collect();
            let largest = step.iter().fold(0.0_f64, |most, s| most.max(s.abs()));
            let part = (LONGEST_STEP / largest.max(LONGEST_STEP)).min(1.0);
            at.iter_mut().zip(&step).for_each(|(s, d)| *s += part * d);
            if largest < 1e-9 {
                break;
            }
        }
        Self {
            most_probable: at,
            covariance,
        }
    }

    /// How many things there are.
    #[must_use]
    pub fn items(&self) -> usize {
        self.most_probable.len()
    }

    /// The most probable strengths, logits; only their differences mean something.
    #[must_use]
    pub fn logits(&self) -> &[f64] {
        &self.most_probable
    }

    /// The things, strongest first; those that are level by their number.
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.items()).collect();
        order.sort_by(|&a, &b| self.most_probable[b].total_cmp(&self.most_probable[a]));
        order
    }

    /// How much stronger `first` is than `second`, logits, and the standard deviation of that.
    ///
    /// # Panics
    /// Where there is no such thing.
    #[must_use]
    pub fn difference(&self, first: usize, second: usize) -> (f64, f64) {
        let n = self.items();
        let covariance = |i: usize, j: usize| self.covariance[i * n + j];
        let variance =
            covariance(first, first) + covariance(second, second) - 2.0 * covariance(first, second);
        (
            self.most_probable[first] - self.most_probable[second],
            variance.max(0.0).sqrt(),
        )
    }

    /// The probability that `second` is really stronger than `first` by more than `margin` logits.
    ///
    /// # Panics
    /// Where there is no such thing.
    #[must_use]
    pub fn probability_behind(&self, first: usize, second: usize, margin: f64) -> f64 {
        let (difference, deviation) = self.difference(first, second);
        normal_cdf((-difference - margin) / deviation.max(1e-12))
    }

    /// The chance, at most, of evidence as strong as this that `second` is not stronger than `first` by more than `margin`
    /// logits, if it is: at some time or other, however pairs are chosen. It is the ratio of posterior to prior density
    /// at the margin; 1 where the evidence points the other way.
    ///
    /// # Panics
    /// Where there is no such thing.
    #[must_use]
    pub fn chance_of_being_wrong(&self, first: usize, second: usize, margin: f64) -> f64 {
        let (difference, deviation) = self.difference(first, second);
        let (away, before) = (-difference - margin, PRIOR * std::f64::consts::SQRT_2);
        if away >= 0.0 {
            return 1.0;
        }
        let ln_ratio = 0.5 * ((margin / before).powi(2) - (away / deviation).powi(2))
            + (before / deviation.max(1e-12)).ln();
        ln_ratio.exp().min(1.0)
    }

    /// In which share of comparisons with something of the others' mean strength this one is preferred, with an interval
    /// of probability `1 - error` (such as 0.05 for 95 %). However pairs were chosen and whenever one stops, the interval
    /// holds: it is where the posterior density is at least `error` times the prior one (Waudby-Smith and Ramdas 2020,
    /// "Confidence sequences for sampling without replacement", the prior-posterior ratio), 0 to 1 before any comparison.
    ///
    /// # Panics
    /// Where there is no such thing.
    #[must_use]
    pub fn preferred_share(&self, item: usize, error: f64) -> PreferredShare {
        let n = self.items();
        let others = -1.0 / (n as f64 - 1.0);
        let part = |i: usize| if i == item { 1.0 } else { others };
        let (mut mean, mut variance, mut before) = (0.0, 0.0, 0.0);
        for i in 0..n {
            mean += part(i) * self.most_probable[i];
            before += (part(i) * PRIOR).powi(2);
            for j in 0..n {
                variance += part(i) * part(j) * self.covariance[i * n + j];
            }
        }
        let (low, high) = held_against_prior(mean, variance, before, error);
        PreferredShare {
            share: logistic(mean),
            low: logistic(low),
            high: logistic(high),
        }
    }
}

/// Where a normal posterior of this mean and variance is at least `error` times as dense as a normal prior around 0.
fn held_against_prior(mean: f64, variance: f64, before: f64, error: f64) -> (f64, f64) {
    let learnt = 1.0 / variance - 1.0 / before;
    // The densities' ratio reaches `error` at the roots of a parabola, which opens with what was learnt.
    let allowed = 2.0 * (1.0 / error).ln() + (before / variance).ln();
    let root = (mean / variance).powi(2) - learnt * (mean * mean / variance - allowed);
    if learnt <= 1e-9 || !root.is_finite() {
        return (f64::NEG_INFINITY, f64::INFINITY);
    }
    let (middle, wide) = (mean / variance / learnt, root.max(0.0).sqrt() / learnt);
    (middle - wide, middle + wide)
}

/// The share of comparisons in which something is preferred that is stronger by this much, logits.
pub(crate) fn logistic(difference: f64) -> f64 {
    1.0 / (1.0 + (-difference).exp())
}
