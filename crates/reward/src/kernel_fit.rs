//! The linear score that orders make most probable, found in the space of inner products.

use crate::RewardError;
use crate::judged_clips::Order;
use crate::listwise::Listwise;
use crate::reward_learner::Watch;
use nalgebra::{DMatrix, DVector};
use std::collections::BTreeMap;

/// Newton steps at most; the loss is convex, and a handful do.
const NEWTON_STEPS: usize = 50;

/// Maximum a posteriori of the likelihood of orders ([`Listwise`]) with scores `w . x` of vectors `x`, and a Gaussian
/// prior on `w` in a unit in which two vectors are 1 apart in the mean square.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KernelFit {
    /// The loss is the summed negative log likelihood plus half of this times the squared norm of `w`.
    pub prior: f64,
    /// Difference of scores below which two are as likely tied as not; 0: ties say nothing.
    pub tie_width: f64,
}

impl KernelFit {
    /// `w` for `vectors`, whose numbers the orders name, and the loss after each Newton step.
    ///
    /// # Errors
    /// When a step or a weight is not finite, or `watch` stops it.
    pub fn weight(
        &self,
        vectors: &[Vec<f64>],
        orders: &[Order],
        watch: &mut Watch<'_>,
    ) -> Result<(Vec<f64>, Vec<f64>), RewardError> {
        let (kernel, scale) = scaled_kernel(vectors);
        let (coefficients, losses) = self.coefficients(&kernel, orders, watch)?;
        let mut weight = vec![0.0; vectors.first().map_or(0, Vec::len)];
        for (coefficient, vector) in coefficients.iter().zip(vectors) {
            let each = weight.iter_mut().zip(vector);
            each.for_each(|(w, v)| *w += scale * coefficient * v);
        }
        if weight.iter().any(|w| !w.is_finite()) {
            return Err(RewardError::NotFinite("a weight of the reward".into()));
        }
        Ok((weight, losses))
    }

    /// Coefficients of the vectors' kernel functions, by Newton's method with halved steps.
    fn coefficients(
        &self,
        kernel: &DMatrix<f64>,
        orders: &[Order],
        watch: &mut Watch<'_>,
    ) -> Result<(DVector<f64>, Vec<f64>), RewardError> {
        let n = kernel.nrows();
        let listwise = Listwise::new(self.tie_width);
        let loss = |a: &DVector<f64>| {
            let scores = kernel * a;
            listwise.loss(orders, scores.as_slice()) + 0.5 * self.prior * a.dot(&scores)
        };
        let mut at = DVector::zeros(n);
        let mut losses = vec![loss(&at)];
        for step in 0..NEWTON_STEPS {
            if !watch((step + 1) as f64 / NEWTON_STEPS as f64) {
                return Err(RewardError::Stopped);
            }
            let scores = kernel * &at;
            let curvature = listwise.curvature(orders, scores.as_slice());
            let gradient = curvature.gradient + &at * self.prior;
            let system = curvature.hessian * kernel + DMatrix::identity(n, n) * self.prior;
            let direction = system.lu().solve(&gradient);
            let direction =
                direction.ok_or_else(|| RewardError::NotFinite("a Newton step".into()))?;
            let before = losses.last().copied().unwrap_or(f64::INFINITY);
            let halved = (0..30).map(|k| &at - &direction * 0.5f64.powi(k));
            let next = halved
                .map(|a| (loss(&a), a))
                .find(|(loss, _)| *loss <= before);
            let Some((now, next)) = next else {
                break;
            };
            at = next;
            losses.push(now);
            if before - now <= 1e-10 * before.abs().max(1.0) {
                break;
            }
        }
        Ok((at, losses))
    }
}

/// The clips that orders are about, and the orders with numbers into these.
#[must_use]
pub fn renumbered(orders: &[Order]) -> (Vec<usize>, Vec<Order>) {
    let judged = orders.iter().flat_map(|o| o.places.iter().map(|p| p.0));
    let mut number: BTreeMap<usize, usize> = judged.map(|clip| (clip, 0)).collect();
    for (at, number) in number.values_mut().enumerate() {
        *number = at;
    }
    let renumber = |order: &Order| Order {
        places: (order.places.iter())
            .filter_map(|(clip, place)| Some((*number.get(clip)?, *place)))
            .collect(),
        confidence: order.confidence,
    };
    let orders = orders.iter().map(renumber).collect();
    (number.into_keys().collect(), orders)
}

/// Inner products, scaled so that two clips are 1 apart in the mean square; and the scale.
fn scaled_kernel(means: &[Vec<f64>]) -> (DMatrix<f64>, f64) {
    let n = means.len();
    let dot = |i: usize, j: usize| -> f64 {
        let products = means[i].iter().zip(&means[j]).map(|(a, b)| a * b);
        products.sum()
    };
    let kernel = DMatrix::from_fn(n, n, |i, j| if i <= j { dot(i, j) } else { 0.0 });
    let kernel = DMatrix::from_fn(n, n, |i, j| kernel[(i.min(j), i.max(j))]);
    let mut square = 0.0;
    for i in 0..n {
        for j in 0..i {
            square += kernel[(i, i)] + kernel[(j, j)] - 2.0 * kernel[(i, j)];
        }
    }
    let pairs = (n * n.saturating_sub(1) / 2).max(1) as f64;
    let scale = if square > 1e-300 { pairs / square } else { 1.0 };
    (kernel * scale, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(places: &[(usize, usize)]) -> Order {
        Order {
            places: places.to_vec(),
            confidence: 1.0,
        }
    }

    #[test]
    fn the_fit_is_where_the_gradient_vanishes() {
        let means: Vec<Vec<f64>> = (0..6)
            .map(|i| {
                let x = f64::from(i);
                vec![x.sin(), x.cos(), 0.1 * x]
            })
            .collect();
        let (kernel, _) = scaled_kernel(&means);
        let orders = [
            order(&[(0, 0), (1, 1), (2, 1), (3, 2)]),
            order(&[(4, 0), (5, 1)]),
            order(&[(2, 0), (0, 0), (5, 1)]),
        ];
        let learner = KernelFit {
            prior: 0.5,
            tie_width: 0.4,
        };
        let (at, losses) = learner
            .coefficients(&kernel, &orders, &mut |_| true)
            .unwrap();
        assert!(
            losses.len() < 15 && losses.windows(2).all(|w| w[1] <= w[0]),
            "{losses:?}"
        );
        let scores = &kernel * &at;
        let curvature = Listwise::new(learner.tie_width).curvature(&orders, scores.as_slice());
        let gradient = &kernel * (curvature.gradient + &at * learner.prior);
        assert!(gradient.norm() < 1e-5, "{gradient}");
    }

    #[test]
    fn two_clips_have_the_scores_that_can_be_worked_out() {
        // One comparison, kernel of distance 1: f = w.x with |x1 - x2| = 1 and d = f1 - f2 solves prior d = sigmoid(-d).
        let learner = KernelFit {
            prior: 0.1,
            tie_width: 0.0,
        };
        let (kernel, scale) = scaled_kernel(&[vec![1.0, 0.0], vec![0.0, 1.0]]);
        assert!((scale - 0.5).abs() < 1e-12);
        let one = [order(&[(0, 0), (1, 1)])];
        let (at, _) = learner.coefficients(&kernel, &one, &mut |_| true).unwrap();
        let scores = &kernel * at;
        let d = scores[0] - scores[1];
        assert!((0.1 * d - 1.0 / (1.0 + d.exp())).abs() < 1e-5, "{d}");
    }
}
