//! `max(a + b, 0)`, as where a residual block ends.

use super::buffer::{tensor, values, writable};
use super::buffer_pool;
use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use rayon::prelude::*;

/// Numbers a task works on.
const PART: usize = 1 << 14;

/// Of two tensors of one shape.
pub(super) fn forward(a: FlexTensor, b: FlexTensor) -> FlexTensor {
    let shape = a.shape();
    let (a, b) = (values(a), values(b));
    let mut out = buffer_pool::take(a.get().len());
    out.par_chunks_mut(PART)
        .zip(a.get().par_chunks(PART))
        .zip(b.get().par_chunks(PART))
        .for_each(|((out, a), b)| {
            for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                let sum = a + b;
                *out = if sum > 0.0 { sum } else { 0.0 };
            }
        });
    tensor(out, shape)
}

/// The gradient of either, from the output and its gradient.
pub(super) fn backward(out: FlexTensor, gradient: FlexTensor) -> FlexTensor {
    let (out, mut gradient) = (values(out), writable(gradient));
    gradient
        .get_mut()
        .par_chunks_mut(PART)
        .zip(out.get().par_chunks(PART))
        .for_each(|(gradient, out)| {
            for (gradient, &out) in gradient.iter_mut().zip(out) {
                *gradient = if out > 0.0 { *gradient } else { 0.0 };
            }
        });
    gradient.into_tensor()
}
