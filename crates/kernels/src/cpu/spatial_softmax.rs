//! Spatial softmax: expected positions, without the transposes a softmax over rows would need.

use super::buffer::{tensor, values};
use super::buffer_pool;
use super::mish::exp;
use burn::backend::flex::FlexTensor;
use burn::backend::{Shape, TensorMetadata};
use pulp::NullaryFnOnce;
use rayon::prelude::*;
use std::sync::Arc;

/// What the backward pass needs: maximum, inverse sum, x and y of every channel, [B, 4 C].
#[derive(Clone, Debug)]
pub(super) struct SoftmaxStatistics(Arc<[f32]>);

/// Where entry `i` of `n` lies, from -1 to 1.
#[must_use]
pub fn normalized_coordinate(i: usize, n: usize) -> f32 {
    if n < 2 {
        0.0
    } else {
        2.0 * i as f32 / (n - 1) as f32 - 1.0
    }
}

/// [B, H, W, C] to [B, 2 C]: x of every channel, then y.
pub(super) fn forward(x: FlexTensor) -> (FlexTensor, SoftmaxStatistics) {
    let shape = x.shape();
    let (batch, height, width, channels) = (shape[0], shape[1], shape[2], shape[3]);
    let x = values(x);
    let sample = height * width * channels;
    let mut statistics = vec![0.0; batch * 4 * channels];
    let mut out = vec![0.0; batch * 2 * channels];
    if batch * sample > 0 {
        out.par_chunks_mut(2 * channels)
            .zip(statistics.par_chunks_mut(4 * channels))
            .zip(x.get().par_chunks(sample))
            .for_each(|((out, statistics), x)| {
                pulp::Arch::new().dispatch(Forward {
                    x,
                    size: [height, width],
                    statistics,
                });
                out.copy_from_slice(&statistics[2 * channels..]);
            });
    }
    (
        tensor(out, Shape::from(vec![batch, 2 * channels])),
        SoftmaxStatistics(statistics.into()),
    )
}

/// Gradient of x: the softmax times how far each position lies along the gradient from the mean.
pub(super) fn backward(
    x: FlexTensor,
    statistics: &SoftmaxStatistics,
    gradient: FlexTensor,
) -> FlexTensor {
    let shape = x.shape();
    let (height, width, channels) = (shape[1], shape[2], shape[3]);
    let (x, gradient) = (values(x), values(gradient));
    let sample = height * width * channels;
    let mut dx = buffer_pool::take(x.get().len());
    if !dx.is_empty() {
        dx.par_chunks_mut(sample)
            .zip(x.get().par_chunks(sample))
            .zip(statistics.0.par_chunks(4 * channels))
            .zip(gradient.get().par_chunks(2 * channels))
            .for_each(|(((dx, x), statistics), gradient)| {
                pulp::Arch::new().dispatch(Backward {
                    x,
                    size: [height, width],
                    statistics,
                    gradient,
                    dx,
                });
            });
    }
    x.release();
    tensor(dx, shape)
}

/// One sample's forward pass.
struct Forward<'a> {
    x: &'a [f32],
    size: [usize; 2],
    statistics: &'a mut [f32],
}

impl NullaryFnOnce for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let [height, width] = self.size;
        let channels = self.statistics.len() / 4;
        let (top, rest) = self.statistics.split_at_mut(channels);
        let (sum, mean) = rest.split_at_mut(channels);
        let (across, down) = mean.split_at_mut(channels);
        top.fill(f32::NEG_INFINITY);
        for x in self.x.chunks(channels) {
            raise(top, x);
        }
        for (i, x) in self.x.chunks(channels).enumerate() {
            let at = (
                normalized_coordinate(i % width, width),
                normalized_coordinate(i / width, height),
            );
            weigh(x, at, top, sum, across, down);
        }
        for (sum, (across, down)) in sum.iter_mut().zip(across.iter_mut().zip(down)) {
            *sum = 1.0 / *sum;
            *across *= *sum;
            *down *= *sum;
        }
    }
}

/// One sample's backward pass.
struct Backward<'a> {
    x: &'a [f32],
    size: [usize; 2],
    statistics: &'a [f32],
    gradient: &'a [f32],
    dx: &'a mut [f32],
}

impl NullaryFnOnce for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let [height, width] = self.size;
        let channels = self.statistics.len() / 4;
        let (top, rest) = self.statistics.split_at(channels);
        let (inverse, mean) = rest.split_at(channels);
        let (across, down) = self.gradient.split_at(channels);
        let along: Vec<f32> = (0..channels)
            .map(|c| across[c] * mean[c] + down[c] * mean[channels + c])
            .collect();
        let numbers = self.dx.chunks_mut(channels).zip(self.x.chunks(channels));
        for (i, (dx, x)) in numbers.enumerate() {
            let at = (
                normalized_coordinate(i % width, width),
                normalized_coordinate(i / width, height),
            );
            slide(dx, x, at, (top, inverse), (across, down), &along);
        }
    }
}

#[inline(always)]
fn raise(top: &mut [f32], x: &[f32]) {
    for (top, &x) in top.iter_mut().zip(x) {
        *top = if x > *top { x } else { *top };
    }
}

#[inline(always)]
fn weigh(
    x: &[f32],
    (right, below): (f32, f32),
    top: &[f32],
    sum: &mut [f32],
    across: &mut [f32],
    down: &mut [f32],
) {
    let sums = sum.iter_mut().zip(across.iter_mut().zip(down));
    for ((x, top), (sum, (across, down))) in x.iter().zip(top).zip(sums) {
        let e = exp(x - top);
        *sum += e;
        *across += e * right;
        *down += e * below;
    }
}

#[inline(always)]
fn slide(
    dx: &mut [f32],
    x: &[f32],
    (right, below): (f32, f32),
    (top, inverse): (&[f32], &[f32]),
    (across, down): (&[f32], &[f32]),
    along: &[f32],
) {
    let softmax = x.iter().zip(top.iter().zip(inverse));
    let gradient = across.iter().zip(down).zip(along);
    for ((dx, (x, (top, inverse))), ((across, down), along)) in
        dx.iter_mut().zip(softmax).zip(gradient)
    {
        *dx = exp(x - top) * inverse * (across * right + down * below - along);
    }
}
