//! The Bradley-Terry model with a linear score and a Gaussian prior, fitted in the space of the clips' inner products.

use nalgebra::{DMatrix, DVector};

/// Strength of the prior; 0.03 to 0.3 make little difference where the mean squared distance is 1.
const PRIOR: f64 = 0.1;
/// Newton steps; the loss is convex, and a handful suffice.
const STEPS: usize = 30;

/// Scores of all clips of the model that makes `pairs` (better, worse) most probable: the higher, the better.
///
/// `products[i][j]` is the inner product of two clips' vectors. It is scaled so that the mean squared distance of two
/// clips is 1; then the summed logistic loss of the differences of scores, plus 0.05 |w|^2, is least.
pub fn scores(products: &DMatrix<f64>, pairs: &[(usize, usize)]) -> DVector<f64> {
    let (n, m) = (products.nrows(), pairs.len());
    if n < 2 || m == 0 {
        return DVector::zeros(n);
    }
    let (trace, sum) = (products.trace(), products.sum());
    let mean_squared = 2.0 * (n as f64 * trace - sum) / (n * (n - 1)) as f64;
    let scale = if mean_squared > 0.0 {
        1.0 / mean_squared
    } else {
        1.0
    };
    // Inner products of the pairs' differences.
    let of = |(a, b): (usize, usize), (c, d): (usize, usize)| {
        scale * (products[(a, c)] - products[(a, d)] - products[(b, c)] + products[(b, d)])
    };
    let gram = DMatrix::from_fn(m, m, |i, j| of(pairs[i], pairs[j]));
    // w = sum alpha_i difference_i; at the optimum alpha_i = sigmoid(-margin_i) / PRIOR.
    let mut alpha = DVector::<f64>::zeros(m);
    let loss = |alpha: &DVector<f64>| {
        let margin = &gram * alpha;
        let fit: f64 = margin
            .iter()
            .map(|&v| {
                if v > 0.0 {
                    (-v).exp().ln_1p()
                } else {
                    v.exp().ln_1p() - v
                }
            })
            .sum();
        fit + 0.5 * PRIOR * alpha.dot(&margin)
    };
    let mut now = loss(&alpha);
    for _ in 0..STEPS {
        let margin = &gram * &alpha;
        let wrong = margin.map(|v| 1.0 / (1.0 + v.exp()));
        let residual = &alpha * PRIOR - &wrong;
        let curve = wrong.map(|p| p * (1.0 - p));
        let mut system = DMatrix::from_diagonal_element(m, m, PRIOR);
        for i in 0..m {
            for j in 0..m {
                system[(i, j)] += curve[i] * gram[(i, j)];
            }
        }
        let Some(step) = system.lu().solve(&residual) else {
            break;
        };
        let mut share = 1.0;
        let (next, after) = loop {
            let next = &alpha - &step * share;
            let after = loss(&next);
            if after <= now || share < 1e-4 {
                break (next, after);
            }
            share *= 0.5;
        };
        if !after.is_finite() || after > now {
            break;
        }
        let gain = now - after;
        (alpha, now) = (next, after);
        if gain < 1e-9 {
            break;
        }
    }
    let mut scores = DVector::zeros(n);
    for clip in 0..n {
        for (&(a, b), weight) in pairs.iter().zip(alpha.iter()) {
            scores[clip] += scale * weight * (products[(clip, a)] - products[(clip, b)]);
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dimension_gives_the_known_optimum() {
        // Two clips at 0 and 1, mean squared distance 1: minimise ln(1 + exp(-w)) + 0.05 w^2.
        let at = DMatrix::from_row_slice(2, 1, &[0.0, 1.0]);
        let scores = scores(&(&at * at.transpose()), &[(1, 0)]);
        let w = scores[1] - scores[0];
        assert!((PRIOR * w - 1.0 / (1.0 + w.exp())).abs() < 1e-6, "{w}");
        assert!(w > 1.0);
    }
}
