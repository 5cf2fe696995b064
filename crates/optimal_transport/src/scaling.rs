//! The Sinkhorn iteration on scalings of rows and columns.

use crate::kernel::{Kernel, LANES, Workspace, sum_columns, sum_rows};
use crate::{CostMatrix, Plan, SinkhornConfig};
use pulp::{Simd, WithSimd};
use std::ops::Range;

pub(crate) fn scaling(
    cost: &CostMatrix,
    low: f64,
    config: &SinkhornConfig,
    workspace: &mut Workspace,
) -> Plan {
    let kernel = Kernel::of_costs(cost, low, config.epsilon, workspace);
    let mut scalings = Scalings::new(cost.rows, cost.columns);
    let most = config.iterations.max(1);
    let (iterations, _) = scalings.iterate(&kernel, most, config.tolerance, 0.0..f64::INFINITY);
    kernel.scaled(&scalings.rows, &scalings.columns, iterations)
}

/// What rows and columns of a kernel are multiplied with.
pub(crate) struct Scalings {
    pub(crate) rows: Vec<f64>,
    /// Past the last column, numbers that are multiplied with zeros.
    pub(crate) columns: Vec<f64>,
    sums: Vec<f64>,
}

/// Why an iteration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Columns hold their masses.
    Converged,
    /// As many iterations as asked for.
    Exhausted,
    /// A scaling or a sum left the range that is safe; the columns' scalings are as before.
    Unsafe,
}

impl Scalings {
    /// All one.
    pub(crate) fn new(rows: usize, columns: usize) -> Self {
        Self {
            rows: vec![1.0; rows],
            columns: vec![1.0; columns.next_multiple_of(LANES)],
            sums: vec![0.0; columns.next_multiple_of(LANES)],
        }
    }

    /// Scales rows, then columns, to equal masses that sum to one, up to `most` times and until a
    /// column's mass is off by no more than `tolerance` of itself before it is scaled; answers how often.
    pub(crate) fn iterate(
        &mut self,
        kernel: &Kernel<'_>,
        most: usize,
        tolerance: f64,
        safe: Range<f64>,
    ) -> (usize, End) {
        pulp::Arch::new().dispatch(Iteration {
            kernel,
            scalings: self,
            most,
            tolerance,
            safe,
        })
    }
}

struct Iteration<'a> {
    kernel: &'a Kernel<'a>,
    scalings: &'a mut Scalings,
    most: usize,
    tolerance: f64,
    safe: Range<f64>,
}

impl WithSimd for Iteration<'_> {
    type Output = (usize, End);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (usize, End) {
        let (kernel, safe) = (self.kernel, &self.safe);
        let Scalings {
            rows,
            columns,
            sums,
        } = self.scalings;
        let count = kernel.columns();
        let [row_mass, column_mass] = [rows.len(), count].map(|n| 1.0 / n as f64);
        for iteration in 1..=self.most {
            sum_rows(simd, kernel, columns, rows);
            divide(simd, row_mass, rows);
            sum_columns(simd, kernel, rows, sums);
            let (real, real_sums) = (&mut columns[..count], &mut sums[..count]);
            let outside = outside(simd, safe, rows)
                + outside(simd, safe, real)
                + outside(simd, safe, real_sums);
            if outside > 0.0 {
                return (iteration, End::Unsafe);
            }
            let error = largest_error(simd, real_sums, real, column_mass);
            if error <= self.tolerance * column_mass {
                return (iteration, End::Converged);
            }
            real.copy_from_slice(real_sums);
            divide(simd, column_mass, real);
        }
        (self.most, End::Exhausted)
    }
}

/// Each sum to what scales it to `mass`.
#[inline(always)]
fn divide<S: Simd>(simd: S, mass: f64, sums: &mut [f64]) {
    let (wanted, least) = (simd.splat_f64s(mass), simd.splat_f64s(f64::MIN_POSITIVE));
    let (wide, rest) = S::as_mut_simd_f64s(sums);
    for sum in wide {
        *sum = simd.div_f64s(wanted, simd.max_f64s(*sum, least));
    }
    for sum in rest {
        *sum = mass / sum.max(f64::MIN_POSITIVE);
    }
}

/// How many numbers are outside a range, or are none.
#[inline(always)]
fn outside<S: Simd>(simd: S, range: &Range<f64>, numbers: &[f64]) -> f64 {
    let (low, high) = (simd.splat_f64s(range.start), simd.splat_f64s(range.end));
    let (zero, one) = (simd.splat_f64s(0.0), simd.splat_f64s(1.0));
    let (wide, rest) = S::as_simd_f64s(numbers);
    let mut count = zero;
    for x in wide {
        let inside = simd.and_m64s(
            simd.less_than_or_equal_f64s(low, *x),
            simd.less_than_f64s(*x, high),
        );
        count = simd.add_f64s(count, simd.select_f64s(inside, zero, one));
    }
    let rest = rest.iter().filter(|x| !range.contains(x)).count();
    simd.reduce_sum_f64s(count) + rest as f64
}

/// Largest error of a column's mass, `sums * v` against `mass`.
#[inline(always)]
fn largest_error<S: Simd>(simd: S, sums: &[f64], v: &[f64], mass: f64) -> f64 {
    let wanted = simd.splat_f64s(mass);
    let (wide_sums, sums) = S::as_simd_f64s(sums);
    let (wide_v, v) = S::as_simd_f64s(v);
    let mut most = simd.splat_f64s(0.0);
    for (s, v) in wide_sums.iter().zip(wide_v) {
        let error = simd.abs_f64s(simd.sub_f64s(simd.mul_f64s(*s, *v), wanted));
        most = simd.max_f64s(error, most);
    }
    let rest = sums.iter().zip(v).map(|(s, v)| (s * v - mass).abs());
    rest.fold(simd.reduce_max_f64s(most), f64::max)
}
