//! Layer normalisation: each row to mean zero and deviation one, then an affine map.

use super::buffer::{tensor, values, writable};
use super::buffer_pool;
use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use pulp::NullaryFnOnce;
use rayon::prelude::*;

/// Rows a task works on.
const ROWS: usize = 32;
/// Numbers summed side by side, so that a row fills vector registers.
const SIDE: usize = 32;

/// Normalises the rows of [.., C].
pub(super) fn forward(
    x: FlexTensor,
    gamma: FlexTensor,
    beta: FlexTensor,
    epsilon: f32,
) -> FlexTensor {
    let shape = x.shape();
    let (x, gamma, beta) = (values(x), values(gamma), values(beta));
    let channels = gamma.get().len().max(1);
    let mut out = buffer_pool::take(x.get().len());
    out.par_chunks_mut(ROWS * channels)
        .zip(x.get().par_chunks(ROWS * channels))
        .for_each(|(out, x)| {
            pulp::Arch::new().dispatch(Forward {
                x,
                gamma: gamma.get(),
                beta: beta.get(),
                epsilon,
                out,
            });
        });
    tensor(out, shape)
}

/// Gradients of x, gamma and beta.
pub(super) fn backward(
    x: FlexTensor,
    gamma: FlexTensor,
    epsilon: f32,
    gradient: FlexTensor,
) -> [FlexTensor; 3] {
    let parameters = gamma.shape();
    let (x, gamma, mut gradient) = (values(x), values(gamma), writable(gradient));
    let channels = gamma.get().len().max(1);
    let sums: Vec<Vec<f32>> = gradient
        .get_mut()
        .par_chunks_mut(ROWS * channels)
        .zip(x.get().par_chunks(ROWS * channels))
        .map(|(gradient, x)| {
            let mut sums = vec![0.0; 2 * channels];
            pulp::Arch::new().dispatch(Backward {
                x,
                gamma: gamma.get(),
                epsilon,
                sums: &mut sums,
                gradient,
            });
            sums
        })
        .collect();
    let mut beta = vec![0.0; 2 * channels];
    for sums in &sums {
        beta.iter_mut().zip(sums).for_each(|(t, s)| *t += s);
    }
    let dgamma = beta.split_off(channels);
    [
        gradient.into_tensor(),
        tensor(dgamma, parameters.clone()),
        tensor(beta, parameters),
    ]
}

struct Forward<'a> {
    x: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
    epsilon: f32,
    out: &'a mut [f32],
}

impl NullaryFnOnce for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let channels = self.gamma.len();
        for (out, x) in self.out.chunks_mut(channels).zip(self.x.chunks(channels)) {
            let (mean, inverse) = moments(x, self.epsilon);
            let affine = self.gamma.iter().zip(self.beta);
            for ((out, x), (gamma, beta)) in out.iter_mut().zip(x).zip(affine) {
                *out = (x - mean) * inverse * gamma + beta;
            }
        }
    }
}

struct Backward<'a> {
    x: &'a [f32],
    gamma: &'a [f32],
    epsilon: f32,
    /// Gradients of beta, then of gamma.
    sums: &'a mut [f32],
    /// Of the output on the way in, of x on the way out.
    gradient: &'a mut [f32],
}

impl NullaryFnOnce for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let channels = self.gamma.len();
        let (beta, dgamma) = self.sums.split_at_mut(channels);
        let rows = self.gradient.chunks_mut(channels);
        for (gradient, x) in rows.zip(self.x.chunks(channels)) {
            let (mean, inverse) = moments(x, self.epsilon);
            let sums = beta.iter_mut().zip(dgamma.iter_mut());
            let numbers = gradient.iter_mut().zip(x).zip(self.gamma);
            for (((gradient, x), gamma), (beta, dgamma)) in numbers.zip(sums) {
                *beta += *gradient;
                *dgamma += *gradient * (x - mean) * inverse;
                *gradient *= gamma;
            }
            let m1 = sum(gradient, |g, _| g, x) / channels as f32;
            let m2 = sum(gradient, |g, x| g * (x - mean) * inverse, x) / channels as f32;
            for (gradient, x) in gradient.iter_mut().zip(x) {
                *gradient = inverse * (*gradient - m1 - (x - mean) * inverse * m2);
            }
        }
    }
}

/// Mean and inverse deviation.
#[inline(always)]
fn moments(x: &[f32], epsilon: f32) -> (f32, f32) {
    let count = x.len() as f32;
    let mean = sum(x, |x, _| x, x) / count;
    let variance = sum(x, |x, _| (x - mean) * (x - mean), x) / count;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

#[inline(always)]
fn sum(a: &[f32], term: impl Fn(f32, f32) -> f32, b: &[f32]) -> f32 {
    let mut sums = [0.0f32; SIDE];
    let (whole, rest) = a.as_chunks::<SIDE>();
    let (whole_b, rest_b) = b.as_chunks::<SIDE>();
    for (a, b) in whole.iter().zip(whole_b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += term(*a, *b);
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(rest).zip(rest_b) {
        *sum += term(*a, *b);
    }
    sums.iter().sum()
}
