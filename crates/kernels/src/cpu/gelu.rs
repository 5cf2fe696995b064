//! `x Phi(x)`, with Phi the normal distribution's share below x.

use super::buffer::{tensor, values, writable};
use super::buffer_pool;
use super::mish::exp;
use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use pulp::NullaryFnOnce;
use rayon::prelude::*;

/// Numbers a task works on.
const PART: usize = 1 << 14;

/// Of each number.
pub(super) fn forward(x: FlexTensor) -> FlexTensor {
    let shape = x.shape();
    let x = values(x);
    let mut out = buffer_pool::take(x.get().len());
    out.par_chunks_mut(PART)
        .zip(x.get().par_chunks(PART))
        .for_each(|(out, x)| pulp::Arch::new().dispatch(Forward { x, out }));
    tensor(out, shape)
}

/// The gradient of the input.
pub(super) fn backward(x: FlexTensor, gradient: FlexTensor) -> FlexTensor {
    let (x, mut gradient) = (values(x), writable(gradient));
    gradient
        .get_mut()
        .par_chunks_mut(PART)
        .zip(x.get().par_chunks(PART))
        .for_each(|(gradient, x)| pulp::Arch::new().dispatch(Slope { x, gradient }));
    gradient.into_tensor()
}

struct Forward<'a> {
    x: &'a [f32],
    out: &'a mut [f32],
}

impl NullaryFnOnce for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (out, &x) in self.out.iter_mut().zip(self.x) {
            *out = x * share_below(x);
        }
    }
}

struct Slope<'a> {
    x: &'a [f32],
    gradient: &'a mut [f32],
}

impl NullaryFnOnce for Slope<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (gradient, &x) in self.gradient.iter_mut().zip(self.x) {
            let density = 0.398_942_3 * exp(-0.5 * x * x);
            *gradient *= share_below(x) + x * density;
        }
    }
}

/// Phi, to 1e-7: formula 26.2.17 of Abramowitz and Stegun (1964), which is for x from 0 up.
#[inline(always)]
fn share_below(x: f32) -> f32 {
    let far = x.abs();
    let t = 1.0 / (1.0 + 0.231_641_9 * far);
    let mut p = 1.330_274_4;
    p = p * t - 1.821_255_9;
    p = p * t + 1.781_477_9;
    p = p * t - 0.356_563_78;
    p = p * t + 0.319_381_54;
    let above = 0.398_942_3 * exp(-0.5 * far * far) * p * t;
    if x < 0.0 { above } else { 1.0 - above }
}
