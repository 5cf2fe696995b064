//! A kernel `e^(-C / epsilon)` as the iteration reads it.

use crate::exponential;
use crate::{CostMatrix, Plan};
use pulp::{NullaryFnOnce, Simd};

/// Rows are filled up with zeros to a multiple of so many numbers: a vector register's at most.
pub(crate) const LANES: usize = 8;

/// Memory for a kernel, to be used again for the next one.
pub(crate) type Workspace = Vec<f64>;

/// A matrix whose rows begin at the addresses at which vectors are read fastest.
pub(crate) struct Kernel<'a> {
    numbers: &'a mut [f64],
    rows: usize,
    columns: usize,
}

impl<'a> Kernel<'a> {
    /// Zeros after each row, anything in it.
    fn new(rows: usize, columns: usize, workspace: &'a mut Workspace) -> Self {
        let stride = columns.next_multiple_of(LANES);
        if workspace.len() < rows * stride + LANES {
            workspace.resize(rows * stride + LANES, 0.0);
        }
        // 64 bytes are a line of the cache. Where an offset cannot be told, any start will do.
        let start = workspace.as_ptr().align_offset(64).min(LANES);
        let numbers = &mut workspace[start..][..rows * stride];
        for row in numbers.chunks_exact_mut(stride) {
            row[columns..].fill(0.0);
        }
        Self {
            numbers,
            rows,
            columns,
        }
    }

    /// Each cost as `e^((low - cost) / epsilon)`.
    pub(crate) fn of_costs(
        cost: &CostMatrix,
        low: f64,
        epsilon: f64,
        workspace: &'a mut Workspace,
    ) -> Self {
        let kernel = Self::new(cost.rows, cost.columns, workspace);
        let (stride, columns) = (kernel.stride(), kernel.columns);
        let rows = kernel.numbers.chunks_exact_mut(stride);
        for (row, costs) in rows.zip(cost.values.chunks_exact(columns)) {
            exponential::of_costs(costs, low, 1.0 / epsilon, &mut row[..columns]);
        }
        kernel
    }

    /// Of a row-major matrix.
    pub(crate) fn of_numbers(
        numbers: &[f64],
        columns: usize,
        workspace: &'a mut Workspace,
    ) -> Self {
        let kernel = Self::new(numbers.len() / columns, columns, workspace);
        let stride = kernel.stride();
        let rows = kernel.numbers.chunks_exact_mut(stride);
        for (row, numbers) in rows.zip(numbers.chunks_exact(columns)) {
            row[..columns].copy_from_slice(numbers);
        }
        kernel
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Numbers from one row's beginning to the next one's, a multiple of [`LANES`].
    pub(crate) fn stride(&self) -> usize {
        self.columns.next_multiple_of(LANES)
    }

    /// Multiplied with the scalings of its rows and columns, and what it has become.
    pub(crate) fn scaled(&self, u: &[f64], v: &[f64], iterations: usize) -> Plan {
        let (rows, columns) = (self.rows, self.columns);
        let mut mass = vec![0.0; rows * columns];
        let mut sums = vec![0.0; columns];
        let mut marginal_error = 0.0f64;
        let kernel = self.numbers.chunks_exact(self.stride());
        for ((kernel, out), u) in kernel.zip(mass.chunks_exact_mut(columns)).zip(u) {
            let total = pulp::Arch::new().dispatch(Scaled {
                kernel: &kernel[..columns],
                u: *u,
                v: &v[..columns],
                out,
                sums: &mut sums,
            });
            marginal_error = marginal_error.max((total - 1.0 / rows as f64).abs());
        }
        let share = 1.0 / columns as f64;
        marginal_error = sums
            .iter()
            .fold(marginal_error, |m, s| m.max((s - share).abs()));
        Plan {
            rows,
            columns,
            mass,
            iterations,
            marginal_error,
        }
    }
}

/// One row, scaled and added to the columns' sums; answers its own sum.
struct Scaled<'a> {
    kernel: &'a [f64],
    u: f64,
    v: &'a [f64],
    out: &'a mut [f64],
    sums: &'a mut [f64],
}

impl NullaryFnOnce for Scaled<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let places = self.out.iter_mut().zip(self.sums);
        for (((out, sum), k), v) in places.zip(self.kernel).zip(self.v) {
            *out = k * (self.u * v);
            *sum += *out;
        }
        let (whole, rest) = self.out.as_chunks::<LANES>();
        let mut totals = [0.0; LANES];
        for numbers in whole {
            totals.iter_mut().zip(numbers).for_each(|(t, p)| *t += p);
        }
        totals.iter().sum::<f64>() + rest.iter().sum::<f64>()
    }
}

/// Rows whose sums are taken at once: each number of `v` is read once for all of them.
const ROWS: usize = 4;
/// Vectors of columns whose sums are taken at once: as many as are under way on a processor.
const BLOCK: usize = 8;

/// What each row sums to with its numbers times those of `v`, which is as long as a row with its zeros.
#[inline(always)]
pub(crate) fn sum_rows<S: Simd>(simd: S, kernel: &Kernel, v: &[f64], sums: &mut [f64]) {
    let rows = S::as_simd_f64s(kernel.numbers).0;
    let v = S::as_simd_f64s(v).0;
    let (groups, rest) = rows.split_at(kernel.rows / ROWS * ROWS * v.len());
    let (sums, last_sums) = sums.as_chunks_mut::<ROWS>();
    for (group, sums) in groups.chunks_exact(ROWS * v.len()).zip(sums) {
        *sums = four_sums(simd, group, v);
    }
    for (row, last_sum) in rest.chunks_exact(v.len()).zip(last_sums) {
        let mut sum = simd.splat_f64s(0.0);
        for (k, v) in row.iter().zip(v) {
            sum = simd.mul_add_f64s(*k, *v, sum);
        }
        *last_sum = simd.reduce_sum_f64s(sum);
    }
}

#[inline(always)]
fn four_sums<S: Simd>(simd: S, rows: &[S::f64s], v: &[S::f64s]) -> [f64; ROWS] {
    let (upper, lower) = rows.split_at(2 * v.len());
    let (a, b) = upper.split_at(v.len());
    let (c, d) = lower.split_at(v.len());
    let mut sums = [simd.splat_f64s(0.0); ROWS];
    for ((v, (a, b)), (c, d)) in v.iter().zip(a.iter().zip(b)).zip(c.iter().zip(d)) {
        sums[0] = simd.mul_add_f64s(*a, *v, sums[0]);
        sums[1] = simd.mul_add_f64s(*b, *v, sums[1]);
        sums[2] = simd.mul_add_f64s(*c, *v, sums[2]);
        sums[3] = simd.mul_add_f64s(*d, *v, sums[3]);
    }
    // A closure would be compiled without the vector instructions.
    let mut totals = [0.0; ROWS];
    for (total, sum) in totals.iter_mut().zip(sums) {
        *total = simd.reduce_sum_f64s(sum);
    }
    totals
}

/// What each column sums to with its rows times those numbers of `u`; zeros beyond the last column.
#[inline(always)]
pub(crate) fn sum_columns<S: Simd>(simd: S, kernel: &Kernel, u: &[f64], sums: &mut [f64]) {
    let rows = S::as_simd_f64s(kernel.numbers).0;
    let sums = S::as_mut_simd_f64s(sums).0;
    let width = sums.len();
    let mut first = 0;
    while first + BLOCK <= width {
        let block: [S::f64s; BLOCK] = column_sums(simd, rows, width, first, u);
        sums[first..first + BLOCK].copy_from_slice(&block);
        first += BLOCK;
    }
    while first + 2 <= width {
        let block: [S::f64s; 2] = column_sums(simd, rows, width, first, u);
        sums[first..first + 2].copy_from_slice(&block);
        first += 2;
    }
    if first < width {
        [sums[first]] = column_sums(simd, rows, width, first, u);
    }
}

#[inline(always)]
fn column_sums<S: Simd, const B: usize>(
    simd: S,
    rows: &[S::f64s],
    width: usize,
    first: usize,
    u: &[f64],
) -> [S::f64s; B] {
    let mut sums = [simd.splat_f64s(0.0); B];
    for (row, u) in rows.chunks_exact(width).zip(u) {
        let u = simd.splat_f64s(*u);
        let row = &row[first..first + B];
        for i in 0..B {
            sums[i] = simd.mul_add_f64s(row[i], u, sums[i]);
        }
    }
    sums
}
