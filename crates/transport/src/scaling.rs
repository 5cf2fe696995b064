//! The Sinkhorn iteration on scalings of rows and columns.

use crate::sinkhorn::finished;
use crate::{CostMatrix, Plan, SinkhornConfig, exponential};
use pulp::{Simd, WithSimd};
use std::array;
use std::ops::Range;

pub(crate) fn scaling(cost: &CostMatrix, low: f64, config: &SinkhornConfig) -> Plan {
    let kernel = exponential::kernel(&cost.values, low, config.epsilon);
    let mut scalings = Scalings::new(cost.rows, cost.columns);
    let (iterations, _) = scalings.iterate(
        &kernel,
        config.iterations.max(1),
        config.tolerance,
        0.0..f64::INFINITY,
    );
    finished(kernel, &scalings.rows, &scalings.columns, iterations)
}

/// What rows and columns of a kernel are multiplied with.
pub(crate) struct Scalings {
    pub(crate) rows: Vec<f64>,
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
            columns: vec![1.0; columns],
            sums: vec![0.0; columns],
        }
    }

    /// Scales rows, then columns, to equal masses that sum to one, up to `most` times and until a
    /// column's mass is off by no more than `tolerance` of itself before it is scaled; answers how often.
    pub(crate) fn iterate(
        &mut self,
        kernel: &[f64],
        most: usize,
        tolerance: f64,
        safe: Range<f64>,
    ) -> (usize, End) {
        pulp::Arch::new().dispatch(Iteration {
            kernel,
            masses: [
                1.0 / self.rows.len() as f64,
                1.0 / self.columns.len() as f64,
            ],
            rows: &mut self.rows,
            columns: &mut self.columns,
            sums: &mut self.sums,
            most,
            tolerance,
            safe,
        })
    }
}

struct Iteration<'a> {
    kernel: &'a [f64],
    /// Of each row, of each column.
    masses: [f64; 2],
    rows: &'a mut [f64],
    columns: &'a mut [f64],
    sums: &'a mut [f64],
    most: usize,
    tolerance: f64,
    safe: Range<f64>,
}

/// Rows taken at once: the columns' scalings and sums are read once for all of them.
const ROWS: usize = 4;

impl WithSimd for Iteration<'_> {
    type Output = (usize, End);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (usize, End) {
        let [row_mass, column_mass] = self.masses;
        let empty = vec![0.0; self.columns.len()];
        for iteration in 1..=self.most {
            scale_rows(
                simd,
                (self.kernel, &empty),
                self.columns,
                row_mass,
                self.rows,
                self.sums,
            );
            let outside = outside(simd, &self.safe, self.rows)
                + outside(simd, &self.safe, self.columns)
                + outside(simd, &self.safe, self.sums);
            if outside > 0.0 {
                return (iteration, End::Unsafe);
            }
            let error = largest_error(simd, self.sums, self.columns, column_mass);
            if error <= self.tolerance * column_mass {
                return (iteration, End::Converged);
            }
            scale_columns(simd, self.sums, self.columns, column_mass);
        }
        (self.most, End::Exhausted)
    }
}

/// Scales every row of the kernel so that under the columns' scalings `v` it sums to `mass`, and sums
/// the columns under the new scalings `u`.
#[inline(always)]
fn scale_rows<S: Simd>(
    simd: S,
    (kernel, empty): (&[f64], &[f64]),
    v: &[f64],
    mass: f64,
    u: &mut [f64],
    sums: &mut [f64],
) {
    let columns = v.len();
    sums.fill(0.0);
    for (kernel, u) in kernel.chunks(ROWS * columns).zip(u.chunks_mut(ROWS)) {
        // Past the last row, one of zeros.
        let rows: [&[f64]; ROWS] =
            array::from_fn(|i| kernel.get(i * columns..(i + 1) * columns).unwrap_or(empty));
        let mut scalings = [0.0; ROWS];
        let products = products(simd, rows, v);
        for ((u, scaling), product) in u.iter_mut().zip(&mut scalings).zip(products) {
            *scaling = mass / product.max(f64::MIN_POSITIVE);
            *u = *scaling;
        }
        add_rows(simd, sums, rows, scalings);
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

#[inline(always)]
fn scale_columns<S: Simd>(simd: S, sums: &[f64], v: &mut [f64], mass: f64) {
    let (wanted, least) = (simd.splat_f64s(mass), simd.splat_f64s(f64::MIN_POSITIVE));
    let (wide_sums, sums) = S::as_simd_f64s(sums);
    let (wide_v, v) = S::as_mut_simd_f64s(v);
    for (v, s) in wide_v.iter_mut().zip(wide_sums) {
        *v = simd.div_f64s(wanted, simd.max_f64s(*s, least));
    }
    for (v, s) in v.iter_mut().zip(sums) {
        *v = mass / s.max(f64::MIN_POSITIVE);
    }
}
