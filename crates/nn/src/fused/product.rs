//! Matrix products of slices.

use super::thin::{MOST_ROWS, add_product};
use gemm::Parallelism;

/// A matrix in a slice.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Row after row.
    pub(super) fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns, "matrix {rows} x {columns}");
        Self {
            values,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// Rows for columns.
    pub(super) fn transposed(self) -> Self {
        Self {
            values: self.values,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

/// `out = left right`, or `out += left right`; `out` is row-major. With `parallel`, the rows and
/// columns of `out` are shared out among the threads; the order of every sum stays.
pub(super) fn multiply(
    out: &mut [f32],
    left: Matrix<'_>,
    right: Matrix<'_>,
    accumulate: bool,
    parallel: bool,
) {
    let (rows, inner, columns) = (left.rows, left.columns, right.columns);
    assert_eq!(inner, right.rows, "inner sizes of a product");
    assert_eq!(out.len(), rows * columns, "size of a product");
    let in_order = left.column_stride == 1 && right.column_stride == 1;
    if parallel && in_order && rows <= MOST_ROWS {
        if !accumulate {
            out.fill(0.0);
        }
        return add_product(out, left.values, right.values, columns);
    }
    let parallelism = if parallel {
        Parallelism::Rayon(0)
    } else {
        Parallelism::None
    };
    // SAFETY: the three slices hold exactly `rows * columns` numbers of their matrices (asserted
    // here and in `Matrix::new`; transposing swaps sizes and strides together), `out` is borrowed
    // mutably and so overlaps neither of the others, and all numbers are initialised.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.as_mut_ptr(),
            1,
            columns as isize,
            accumulate,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0f32,
            1.0f32,
            false,
            false,
            false,
            parallelism,
        );
    }
}
