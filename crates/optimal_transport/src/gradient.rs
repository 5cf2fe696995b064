//! The exact gradient of the transport cost.

use crate::{CostMatrix, Plan};
use nalgebra::{DMatrix, DVector};

/// Gradient of `J = -<P*, C>` with respect to each cost, through the optimal plan too (implicit
/// differentiation of the Sinkhorn fixed point; Gould et al. 2021, arXiv 1909.04866).
///
/// With `gamma = 1 / epsilon`, multipliers `(l, m)` solve
/// `[diag(P 1) P; P^T diag(P^T 1)] [l; m] = -[rowsum(C o P); colsum(C o P)]` with `m_last = 0`, and
/// `dJ/dC = -P + gamma P o (C + l 1^T + 1 m^T)`. Where the system has no solution (a plan that did
/// not converge), the direct part `-P` is returned.
#[must_use]
pub fn cost_gradient(cost: &CostMatrix, plan: &Plan, epsilon: f64) -> Vec<f64> {
    let (n, m) = (plan.rows, plan.columns);
    let size = n + m - 1;
    let mut system = DMatrix::<f64>::zeros(size, size);
    let mut right = DVector::<f64>::zeros(size);
    for i in 0..n {
        for j in 0..m {
            let p = plan.mass[i * m + j];
            let weighted = p * cost.values[i * m + j];
            system[(i, i)] += p;
            right[i] -= weighted;
            if j + 1 < m {
                system[(n + j, n + j)] += p;
                system[(i, n + j)] = p;
                system[(n + j, i)] = p;
                right[n + j] -= weighted;
            }
        }
    }
    let solution = system.cholesky().map(|c| c.solve(&right));
    let multiplier = |k: usize| {
        solution
            .as_ref()
            .and_then(|s| s.get(k))
            .copied()
            .unwrap_or(0.0)
    };
    let gamma = if solution.is_some() {
        1.0 / epsilon
    } else {
        0.0
    };
    let mut gradient = Vec::with_capacity(n * m);
    for i in 0..n {
        for j in 0..m {
            let p = plan.mass[i * m + j];
            let pull = cost.values[i * m + j]
                + multiplier(i)
                + if j + 1 < m { multiplier(n + j) } else { 0.0 };
            gradient.push(-p + gamma * p * pull);
        }
    }
    gradient
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SinkhornConfig, sinkhorn};

    #[test]
    fn agrees_with_finite_differences() {
        for epsilon in [1.0, 0.1] {
            let config = SinkhornConfig {
                epsilon,
                iterations: 20_000,
                tolerance: 1e-13,
                ..Default::default()
            };
            let values: Vec<f64> = (0..20).map(|i| ((i * 7 % 13) as f64) / 13.0).collect();
            let cost = CostMatrix {
                rows: 4,
                columns: 5,
                values,
            };
            let similarity = |c: &CostMatrix| -sinkhorn(c, &config).unwrap().cost(c);
            let exact = cost_gradient(&cost, &sinkhorn(&cost, &config).unwrap(), epsilon);
            for (k, exact) in exact.iter().enumerate() {
                let h = 1e-5;
                let (mut up, mut down) = (cost.clone(), cost.clone());
                up.values[k] += h;
                down.values[k] -= h;
                let numeric = (similarity(&up) - similarity(&down)) / (2.0 * h);
                assert!(
                    (exact - numeric).abs() < 1e-7,
                    "epsilon {epsilon}, entry {k}: {exact} {numeric}"
                );
            }
        }
    }
}
