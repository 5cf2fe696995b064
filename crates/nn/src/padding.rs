//! Padding and stepping along a dimension, in tensor operations that every backend has.

use burn::tensor::{Slice, Tensor};

/// Zeros on both sides of a dimension.
pub(crate) fn pad<const D: usize>(x: Tensor<D>, dim: usize, size: usize) -> Tensor<D> {
    pad_side(x, dim, size, size)
}

/// Zeros on either side of a dimension.
pub(crate) fn pad_side<const D: usize>(
    x: Tensor<D>,
    dim: usize,
    before: usize,
    after: usize,
) -> Tensor<D> {
    if before + after == 0 {
        return x;
    }
    let zeros = |size: usize| {
        let mut shape = x.dims();
        shape[dim] = size;
        Tensor::<D>::zeros(shape, (&x.device(), x.dtype()))
    };
    let mut parts = Vec::new();
    if before > 0 {
        parts.push(zeros(before));
    }
    parts.push(x.clone());
    if after > 0 {
        parts.push(zeros(after));
    }
    Tensor::cat(parts, dim)
}

/// `count` entries of a dimension, from `start`, every `stride`.
pub(crate) fn strided<const D: usize>(
    x: Tensor<D>,
    dim: usize,
    start: usize,
    count: usize,
    stride: usize,
) -> Tensor<D> {
    let end = start + (count - 1) * stride + 1;
    let slice = Slice::new(start as isize, Some(end as isize), stride as isize);
    x.slice_dim(dim, slice)
}
