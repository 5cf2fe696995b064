//! The Sinkhorn iteration where exponentials of the costs would underflow.

use crate::kernel::{Kernel, Workspace};
use crate::scaling::{End, Scalings};
use crate::{CostMatrix, Plan, SinkhornConfig};

/// The logarithms of the scalings are kept, and exponentials of what has changed since they were last
/// taken in (Schmitzer 2019, arXiv 1610.06519, section 3.1): safe like working on logarithms alone, at
/// the price of scaling.
pub(crate) fn log_domain(
    cost: &CostMatrix,
    config: &SinkhornConfig,
    workspace: &mut Workspace,
) -> Plan {
    let mut logs = Logarithms::new(cost, config.epsilon);
    let mut kernel = logs.iterate(workspace).1;
    let mut scalings = Scalings::new(cost.rows, cost.columns);
    let mut iterations = 1;
    while iterations < config.iterations {
        let left = config.iterations - iterations;
        let (taken, end) = scalings.iterate(&kernel, left, config.tolerance, SAFE);
        iterations += taken;
        if end != End::Unsafe {
            break;
        }
        // Rows are scaled anew from the columns' scalings.
        logs.take_in(&mut scalings.columns);
        scalings.rows.fill(1.0);
        let error;
        (error, kernel) = logs.iterate(workspace);
        if error <= config.tolerance {
            break;
        }
    }
    kernel.scaled(&scalings.rows, &scalings.columns, iterations)
}

/// Where products of two scalings and a kernel's number lose nothing that counts.
const SAFE: std::ops::Range<f64> = 1e-80..1e80;

/// Logarithms of the kernel and of the scalings of its rows and columns.
struct Logarithms {
    kernel: Vec<f64>,
    rows: Vec<f64>,
    columns: Vec<f64>,
}

impl Logarithms {
    fn new(cost: &CostMatrix, epsilon: f64) -> Self {
        Self {
            kernel: cost.values.iter().map(|v| -v / epsilon).collect(),
            rows: vec![0.0; cost.rows],
            columns: vec![0.0; cost.columns],
        }
    }

    /// Takes scalings of the columns in, which become one.
    fn take_in(&mut self, columns: &mut [f64]) {
        for (log, scaling) in self.columns.iter_mut().zip(columns) {
            *log += scaling.ln();
            *scaling = 1.0;
        }
    }

    /// One iteration in logarithms alone; answers the largest relative error of a column's mass before
    /// its column was scaled, and the scaled kernel.
    fn iterate<'a>(&mut self, workspace: &'a mut Workspace) -> (f64, Kernel<'a>) {
        let (n, m) = (self.rows.len(), self.columns.len());
        let (log_r, log_c) = (-(n as f64).ln(), -(m as f64).ln());
        for (row, f) in self.kernel.chunks_exact(m).zip(&mut self.rows) {
            *f = log_r - log_sum_exp(row.iter().zip(&self.columns).map(|(k, g)| k + g));
        }
        let mut error = 0.0f64;
        for (j, g) in self.columns.iter_mut().enumerate() {
            let column = self.kernel.iter().skip(j).step_by(m);
            let total = log_sum_exp(column.zip(&self.rows).map(|(k, f)| k + f));
            error = error.max(((total + *g - log_c).exp() - 1.0).abs());
            *g = log_c - total;
        }
        let mut scaled = self.kernel.clone();
        for (row, f) in scaled.chunks_exact_mut(m).zip(&self.rows) {
            row.iter_mut()
                .zip(&self.columns)
                .for_each(|(p, g)| *p = (*p + f + g).exp());
        }
        (error, Kernel::of_numbers(&scaled, m, workspace))
    }
}

fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let top = values.clone().fold(f64::NEG_INFINITY, f64::max);
    top + values.map(|v| (v - top).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The iteration in logarithms alone.
    fn slow(cost: &CostMatrix, config: &SinkhornConfig) -> Plan {
        let mut logs = Logarithms::new(cost, config.epsilon);
        let mut workspace = Workspace::new();
        for _ in 1..config.iterations {
            logs.iterate(&mut workspace);
        }
        let kernel = logs.iterate(&mut workspace).1;
        let (u, v) = (vec![1.0; cost.rows], vec![1.0; cost.columns]);
        kernel.scaled(&u, &v, config.iterations)
    }

    #[test]
    fn exponentials_change_nothing_at_any_epsilon() {
        let (rows, columns) = (13, 21);
        let values = (0..rows * columns)
            .map(|i| f64::from((i * 7919 % 2003) as u32) / 1001.5)
            .collect();
        let cost = CostMatrix {
            rows,
            columns,
            values,
        };
        for epsilon in [10.0, 1.0, 0.05, 5e-3, 2e-3, 1e-3, 1e-4, 1e-6] {
            for iterations in [1, 2, 60] {
                let config = SinkhornConfig {
                    epsilon,
                    iterations,
                    tolerance: -1.0,
                    ..SinkhornConfig::default()
                };
                let (fast, slow) = (
                    log_domain(&cost, &config, &mut Workspace::new()),
                    slow(&cost, &config),
                );
                for (a, b) in fast.mass.iter().zip(&slow.mass) {
                    assert!(
                        (a - b).abs() < 1e-11,
                        "epsilon {epsilon}, {iterations}: {a} {b}"
                    );
                }
            }
        }
    }
}
