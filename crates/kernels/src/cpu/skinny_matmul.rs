//! Products with a handful of rows on the left, as at batch 1: what counts is to read the right-hand
//! matrix once and in order, not to repack it.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use std::array;

/// More rows than this are left to the general product.
pub(super) const MAX_ROWS: usize = 16;
/// Columns of the right-hand matrix a task takes: its sums stay in the first-level cache.
const STRIP: usize = 256;
/// Rows of the right-hand matrix taken at once.
const DEPTH: usize = 4;

/// `out += left right`, all row-major: [rows, columns], [rows, inner], [inner, columns].
pub(super) fn matmul_add(out: &mut [f32], left: &[f32], right: &[f32], columns: usize) {
    let inner = right.len() / columns.max(1);
    let rows = left.len() / inner.max(1);
    let strips: Vec<Vec<f32>> = (0..columns)
        .into_par_iter()
        .step_by(STRIP)
        .map(|from| {
            let width = STRIP.min(columns - from);
            let mut sums = vec![0.0; rows * width];
            Arch::new().dispatch(Strip {
                sums: &mut sums,
                left,
                right,
                columns,
                from,
                width,
            });
            sums
        })
        .collect();
    for (strip, sums) in strips.iter().enumerate() {
        let width = sums.len() / rows.max(1);
        for (out, sums) in out.chunks_mut(columns).zip(sums.chunks(width.max(1))) {
            let out = &mut out[strip * STRIP..][..width];
            out.iter_mut().zip(sums).for_each(|(o, s)| *o += s);
        }
    }
}

/// Some columns of the product.
struct Strip<'a> {
    sums: &'a mut [f32],
    left: &'a [f32],
    right: &'a [f32],
    columns: usize,
    from: usize,
    width: usize,
}

impl WithSimd for Strip<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let inner = self.right.len() / self.columns;
        for k in (0..inner).step_by(DEPTH) {
            // Past the last row, that row again, times zero.
            let rows: [&[f32]; DEPTH] = array::from_fn(|i| {
                let row = (k + i).min(inner - 1);
                &self.right[row * self.columns + self.from..][..self.width]
            });
            let factors = |left: &[f32]| -> [f32; DEPTH] {
                array::from_fn(|i| left.get(k + i).copied().unwrap_or(0.0))
            };
            let sums = self.sums.chunks_mut(2 * self.width);
            for (sums, left) in sums.zip(self.left.chunks(2 * inner)) {
                if left.len() > inner {
                    let (first, second) = sums.split_at_mut(self.width);
                    let factors = (factors(&left[..inner]), factors(&left[inner..]));
                    add_to_two(simd, first, second, rows, factors);
                } else {
                    add_to_one(simd, sums, rows, factors(left));
                }
            }
        }
    }
}

/// Adds four rows, each times a factor, to two rows of sums.
#[inline(always)]
fn add_to_two<S: Simd>(
    simd: S,
    first: &mut [f32],
    second: &mut [f32],
    rows: [&[f32]; DEPTH],
    factors: ([f32; DEPTH], [f32; DEPTH]),
) {
    let wide = (
        factors.0.map(|f| simd.splat_f32s(f)),
        factors.1.map(|f| simd.splat_f32s(f)),
    );
    let (first, first_rest) = S::as_mut_simd_f32s(first);
    let (second, second_rest) = S::as_mut_simd_f32s(second);
    let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = rows.map(S::as_simd_f32s);
    let numbers = a.iter().zip(b).zip(c.iter().zip(d));
    for ((first, second), ((a, b), (c, d))) in first.iter_mut().zip(second).zip(numbers) {
        let (mut one, mut two) = (*first, *second);
        for (i, row) in [*a, *b, *c, *d].into_iter().enumerate() {
            one = simd.mul_add_f32s(wide.0[i], row, one);
            two = simd.mul_add_f32s(wide.1[i], row, two);
        }
        (*first, *second) = (one, two);
    }
    let rest = [a_rest, b_rest, c_rest, d_rest];
    add_rest(first_rest, rest, factors.0);
    add_rest(second_rest, rest, factors.1);
}

#[inline(always)]
fn add_to_one<S: Simd>(simd: S, sums: &mut [f32], rows: [&[f32]; DEPTH], factors: [f32; DEPTH]) {
    let wide = factors.map(|f| simd.splat_f32s(f));
    let (sums, sums_rest) = S::as_mut_simd_f32s(sums);
    let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = rows.map(S::as_simd_f32s);
    let numbers = a.iter().zip(b).zip(c.iter().zip(d));
    for (sum, ((a, b), (c, d))) in sums.iter_mut().zip(numbers) {
        let mut one = *sum;
        for (i, row) in [*a, *b, *c, *d].into_iter().enumerate() {
            one = simd.mul_add_f32s(wide[i], row, one);
        }
        *sum = one;
    }
    add_rest(sums_rest, [a_rest, b_rest, c_rest, d_rest], factors);
}

#[inline(always)]
fn add_rest(sums: &mut [f32], rows: [&[f32]; DEPTH], factors: [f32; DEPTH]) {
    for (row, factor) in rows.into_iter().zip(factors) {
        sums.iter_mut()
            .zip(row)
            .for_each(|(sum, row)| *sum += factor * row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thin_products_are_products() {
        for (rows, inner, columns) in [
            (1, 1, 1),
            (16, 50, 256),
            (4, 7, 300),
            (3, 130, 10),
            (5, 4, 513),
        ] {
            let number = |i: usize| ((i * 2_654_435_761) % 1013) as f32 / 506.0 - 1.0;
            let left: Vec<f32> = (0..rows * inner).map(number).collect();
            let right: Vec<f32> = (0..inner * columns).map(|i| number(i + 77)).collect();
            let mut out = vec![0.5; rows * columns];
            matmul_add(&mut out, &left, &right, columns);
            for (i, out) in out.iter().enumerate() {
                let (row, column) = (i / columns, i % columns);
                let exact: f64 = (0..inner)
                    .map(|k| {
                        f64::from(left[row * inner + k]) * f64::from(right[k * columns + column])
                    })
                    .sum();
                let off = (f64::from(*out) - 0.5 - exact).abs();
                assert!(
                    off < 1e-4,
                    "{rows}x{inner}x{columns} at {row},{column}: off by {off}"
                );
            }
        }
    }
}
