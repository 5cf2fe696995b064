//! The Sinkhorn iteration: the choice of its form, and the scaling form.

use crate::{CostMatrix, exponential, logarithms::log_domain};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::array;
use thiserror::Error;

/// Which arithmetic the iteration uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Scaling where the numbers allow it, log-domain where they would underflow.
    #[default]
    Auto,
    /// Multiplies rows and columns; fast, underflows when epsilon is small against the costs.
    Scaling,
    /// Works on logarithms; slower, safe at any epsilon.
    LogDomain,
}

/// Settings of the iteration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SinkhornConfig {
    /// Weight of the entropy (1 in RAPL's code, at which plans are almost uniform; 0.05 gives
    /// plans with a visible diagonal).
    pub epsilon: f64,
    /// Most iterations.
    pub iterations: usize,
    /// Largest error of a column's mass at which the iteration stops.
    pub tolerance: f64,
    /// Arithmetic.
    pub form: Form,
}

impl Default for SinkhornConfig {
    fn default() -> Self {
        Self {
            epsilon: 0.05,
            iterations: 500,
            tolerance: 1e-6,
            form: Form::Auto,
        }
    }
}

/// How much of each row's mass goes to each column; masses are uniform and sum to one.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Rows of the cost matrix.
    pub rows: usize,
    /// Columns of the cost matrix.
    pub columns: usize,
    /// `rows * columns` masses, row-major.
    pub mass: Vec<f64>,
    /// Iterations taken.
    pub iterations: usize,
    /// Largest error of a row's or column's mass.
    pub marginal_error: f64,
}

impl Plan {
    /// Total cost, `<P, C>`; the entropy is not included.
    #[must_use]
    pub fn cost(&self, cost: &CostMatrix) -> f64 {
        self.mass.iter().zip(&cost.values).map(|(p, c)| p * c).sum()
    }

    /// Cost of each row's share, `sum_j P_tj C_tj`; they add up to [`Self::cost`].
    #[must_use]
    pub fn row_costs(&self, cost: &CostMatrix) -> Vec<f64> {
        let rows = self.mass.chunks_exact(self.columns.max(1));
        rows.zip(cost.values.chunks_exact(self.columns.max(1)))
            .map(|(p, c)| p.iter().zip(c).map(|(p, c)| p * c).sum())
            .collect()
    }
}

/// Problems that have no plan.
#[derive(Debug, Error, PartialEq)]
pub enum TransportError {
    /// A sequence without frames.
    #[error("optimal transport between {rows} and {columns} frames: both need at least one")]
    Empty {
        /// Frames of the first sequence.
        rows: usize,
        /// Frames of the second.
        columns: usize,
    },
    /// A number that is not finite, or a setting that cannot work.
    #[error("optimal transport: {what} is {got}, allowed: {allowed}")]
    Number {
        /// Which.
        what: &'static str,
        /// Its value.
        got: f64,
        /// What would do.
        allowed: &'static str,
    },
}

/// Solves `min <P, C> + epsilon KL(P || r c^T)` over plans with uniform marginals `r = 1/rows`,
/// `c = 1/columns`.
///
/// # Errors
/// When a sequence is empty, a cost is not finite, or epsilon is not positive.
pub fn sinkhorn(cost: &CostMatrix, config: &SinkhornConfig) -> Result<Plan, TransportError> {
    let (rows, columns) = (cost.rows, cost.columns);
    if rows == 0 || columns == 0 || cost.values.len() != rows * columns {
        return Err(TransportError::Empty { rows, columns });
    }
    if !(config.epsilon > 0.0 && config.epsilon.is_finite()) {
        return Err(TransportError::Number {
            what: "epsilon",
            got: config.epsilon,
            allowed: "more than 0",
        });
    }
    if let Some(&got) = cost.values.iter().find(|v| !v.is_finite()) {
        return Err(TransportError::Number {
            what: "a cost",
            got,
            allowed: "finite numbers",
        });
    }
    let span = cost.values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let log = match config.form {
        Form::Scaling => false,
        Form::LogDomain => true,
        // exp(-230) is 1e-100: far enough from underflow for products of two scalings.
        Form::Auto => span / config.epsilon > 230.0,
    };
    Ok(if log {
        log_domain(cost, config)
    } else {
        scaling(cost, config)
    })
}

/// [`sinkhorn`] of many problems, on all cores.
///
/// # Errors
/// The first problem's error, in order.
pub fn sinkhorn_batch(
    costs: &[CostMatrix],
    config: &SinkhornConfig,
) -> Result<Vec<Plan>, TransportError> {
    costs
        .par_iter()
        .map(|cost| sinkhorn(cost, config))
        .collect()
}

fn scaling(cost: &CostMatrix, config: &SinkhornConfig) -> Plan {
    let (n, m) = (cost.rows, cost.columns);
    let (r, c) = (1.0 / n as f64, 1.0 / m as f64);
    let low = cost.values.iter().copied().fold(f64::INFINITY, f64::min);
    let kernel = exponential::kernel(&cost.values, low, config.epsilon);
    let (mut u, mut v) = (vec![1.0; n], vec![1.0; m]);
    let mut sums = vec![0.0; m];
    let mut iterations = 0;
    while iterations < config.iterations.max(1) {
        iterations += 1;
        scale_rows(&kernel, &v, r, &mut u, &mut sums);
        if largest_error(&sums, &v, c) <= config.tolerance {
            break;
        }
        v.iter_mut()
            .zip(&sums)
            .for_each(|(v, s)| *v = c / s.max(f64::MIN_POSITIVE));
    }
    let mut mass = kernel;
    for (row, u) in mass.chunks_exact_mut(m).zip(&u) {
        row.iter_mut().zip(&v).for_each(|(p, v)| *p *= u * v);
    }
    finished(n, m, mass, iterations)
}

/// Largest relative error of a column's mass, `sums * v` against `c`.
pub(crate) fn largest_error(sums: &[f64], v: &[f64], c: f64) -> f64 {
    let each = sums.iter().zip(v).map(|(s, v)| (s * v - c).abs());
    each.fold(0.0, f64::max) / c
}

/// Scales every row of the kernel so that under the columns' scalings `v` it sums to `mass`; answers
/// the scalings `u` and the columns' sums under them.
pub(crate) fn scale_rows(kernel: &[f64], v: &[f64], mass: f64, u: &mut [f64], sums: &mut [f64]) {
    pulp::Arch::new().dispatch(ScaleRows {
        kernel,
        v,
        mass,
        u,
        sums,
    });
}

struct ScaleRows<'a> {
    kernel: &'a [f64],
    v: &'a [f64],
    mass: f64,
    u: &'a mut [f64],
    sums: &'a mut [f64],
}

/// Rows taken at once: `v` and the columns' sums are read once for all of them.
const ROWS: usize = 4;

impl WithSimd for ScaleRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let columns = self.v.len();
        let empty = vec![0.0; columns];
        self.sums.fill(0.0);
        let blocks = self.kernel.chunks(ROWS * columns);
        for (kernel, u) in blocks.zip(self.u.chunks_mut(ROWS)) {
            // Past the last row, one of zeros.
            let rows: [&[f64]; ROWS] =
                array::from_fn(|i| kernel.get(i * columns..(i + 1) * columns).unwrap_or(&empty));
            let mut scalings = [0.0; ROWS];
            let products = products(simd, rows, self.v);
            for ((u, scaling), product) in u.iter_mut().zip(&mut scalings).zip(products) {
                *scaling = self.mass / product.max(f64::MIN_POSITIVE);
                *u = *scaling;
            }
            add_rows(simd, self.sums, rows, scalings);
        }
    }
}

/// Each row times `v`.
#[inline(always)]
fn products<S: Simd>(simd: S, rows: [&[f64]; ROWS], v: &[f64]) -> [f64; ROWS] {
    let mut sums = [simd.splat_f64s(0.0); ROWS];
    let (v, v_rest) = S::as_simd_f64s(v);
    let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = rows.map(S::as_simd_f64s);
    for ((v, (a, b)), (c, d)) in v.iter().zip(a.iter().zip(b)).zip(c.iter().zip(d)) {
        for (sum, row) in sums.iter_mut().zip([a, b, c, d]) {
            *sum = simd.mul_add_f64s(*row, *v, *sum);
        }
    }
    let rests = [a_rest, b_rest, c_rest, d_rest];
    array::from_fn(|i| {
        let rest: f64 = rests[i].iter().zip(v_rest).map(|(k, v)| k * v).sum();
        simd.reduce_sum_f64s(sums[i]) + rest
    })
}

/// Adds rows, each times a scaling.
#[inline(always)]
fn add_rows<S: Simd>(simd: S, sums: &mut [f64], rows: [&[f64]; ROWS], scalings: [f64; ROWS]) {
    let wide = scalings.map(|u| simd.splat_f64s(u));
    let (sums, sums_rest) = S::as_mut_simd_f64s(sums);
    let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = rows.map(S::as_simd_f64s);
    for ((sum, (a, b)), (c, d)) in sums.iter_mut().zip(a.iter().zip(b)).zip(c.iter().zip(d)) {
        for (u, row) in wide.iter().zip([a, b, c, d]) {
            *sum = simd.mul_add_f64s(*row, *u, *sum);
        }
    }
    for (rest, u) in [a_rest, b_rest, c_rest, d_rest].into_iter().zip(scalings) {
        let numbers = sums_rest.iter_mut().zip(rest);
        numbers.for_each(|(sum, k)| *sum += k * u);
    }
}

pub(crate) fn finished(rows: usize, columns: usize, mass: Vec<f64>, iterations: usize) -> Plan {
    let (r, c) = (1.0 / rows as f64, 1.0 / columns as f64);
    let mut sums = vec![0.0; columns];
    let mut marginal_error = 0.0f64;
    for row in mass.chunks_exact(columns) {
        marginal_error = marginal_error.max((row.iter().sum::<f64>() - r).abs());
        row.iter().zip(&mut sums).for_each(|(p, s)| *s += p);
    }
    marginal_error = sums
        .iter()
        .fold(marginal_error, |m, s| m.max((s - c).abs()));
    Plan {
        rows,
        columns,
        mass,
        iterations,
        marginal_error,
    }
}
