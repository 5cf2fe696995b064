//! The Sinkhorn iteration: what is asked and answered, and the choice of its form.

use crate::{CostMatrix, exponential, kernel::Workspace, log_domain::log_domain, scaling::scaling};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
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
    /// Weight of the entropy, in units of the cost (RAPL's code: 1, at which plans are almost uniform;
    /// 0.05 gives plans with a visible diagonal).
    pub epsilon: f64,
    /// Most iterations (RAPL's code: 1000).
    pub iterations: usize,
    /// Largest error of a column's mass at which the iteration stops (RAPL's code: 1e-6).
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

impl SinkhornConfig {
    /// Whether the iteration can work with these settings.
    ///
    /// # Errors
    /// Names the first key that cannot be, its value and what is allowed.
    pub fn validate(&self) -> Result<(), OptimalTransportError> {
        let refuse =
            |key, got: String, allowed| Err(OptimalTransportError::Config { key, got, allowed });
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return refuse("epsilon", self.epsilon.to_string(), "more than 0");
        }
        if self.iterations == 0 {
            return refuse("iterations", "0".into(), "1 or more");
        }
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            return refuse("tolerance", self.tolerance.to_string(), "0 or more");
        }
        Ok(())
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
pub enum OptimalTransportError {
    /// A sequence without frames.
    #[error("optimal transport between {rows} and {columns} frames: both need at least one")]
    Empty {
        /// Frames of the first sequence.
        rows: usize,
        /// Frames of the second.
        columns: usize,
    },
    /// A setting that cannot work.
    #[error(
        "optimal-transport setting {key} is {got}, allowed: {allowed}; change it in the configuration"
    )]
    Config {
        /// Which setting.
        key: &'static str,
        /// Its value.
        got: String,
        /// What would do.
        allowed: &'static str,
    },
    /// A number that is not finite.
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
/// When a sequence is empty, a cost is not finite, or a setting cannot work.
pub fn sinkhorn(cost: &CostMatrix, config: &SinkhornConfig) -> Result<Plan, OptimalTransportError> {
    solve(cost, config, &mut Workspace::new())
}

fn solve(
    cost: &CostMatrix,
    config: &SinkhornConfig,
    workspace: &mut Workspace,
) -> Result<Plan, OptimalTransportError> {
    let (rows, columns) = (cost.rows, cost.columns);
    if rows == 0 || columns == 0 || cost.values.len() != rows * columns {
        return Err(OptimalTransportError::Empty { rows, columns });
    }
    config.validate()?;
    let (low, high) = exponential::range(&cost.values);
    if !(low.is_finite() && high.is_finite()) {
        let got = cost.values.iter().copied().find(|v| !v.is_finite());
        return Err(OptimalTransportError::Number {
            what: "a cost",
            got: got.unwrap_or(f64::NAN),
            allowed: "finite numbers",
        });
    }
    let span = high.max(-low);
    let log = match config.form {
        Form::Scaling => false,
        Form::LogDomain => true,
        // exp(-230) is 1e-100: far enough from underflow for products of two scalings.
        Form::Auto => span / config.epsilon > 230.0,
    };
    Ok(if log {
        log_domain(cost, config, workspace)
    } else {
        scaling(cost, low, config, workspace)
    })
}

/// [`sinkhorn`] of many problems, on all cores.
///
/// # Errors
/// The first problem's error, in order.
pub fn sinkhorn_batch(
    costs: &[CostMatrix],
    config: &SinkhornConfig,
) -> Result<Vec<Plan>, OptimalTransportError> {
    costs
        .par_iter()
        .map_init(Workspace::new, |workspace, cost| {
            solve(cost, config, workspace)
        })
        .collect()
}
