//! The Sinkhorn iteration: what is asked and answered, and the choice of its form.

use crate::{
    CostMatrix, Form, OptimalTransportError, Plan, SinkhornConfig, exponential, kernel::Workspace,
    log_domain::log_domain, scaling::scaling,
};
use rayon::prelude::*;

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
