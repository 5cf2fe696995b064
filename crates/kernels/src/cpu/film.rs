//! Feature-wise scaling and shifting of each sample's channels in one pass.

use super::buffer::{tensor, values, writable};
use super::buffer_pool;
use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use pulp::NullaryFnOnce;
use rayon::prelude::*;

/// `x (1 + scale) + shift` of [B, .., C], with [B, 2 C] holding each sample's scales, then its shifts.
pub(super) fn forward(x: FlexTensor, film: FlexTensor) -> FlexTensor {
    let shape = x.shape();
    let (x, film) = (values(x), values(film));
    let mut out = buffer_pool::take(x.get().len());
    if let Some((sample, both)) = sizes(x.get(), film.get(), shape[0]) {
        out.par_chunks_mut(sample)
            .zip(x.get().par_chunks(sample))
            .zip(film.get().par_chunks(both))
            .for_each(|((out, x), film)| {
                let (scale, shift) = film.split_at(both / 2);
                pulp::Arch::new().dispatch(Forward {
                    x,
                    scale,
                    shift,
                    out,
                });
            });
    }
    x.release();
    tensor(out, shape)
}

/// Gradients of x and of the scales and shifts.
pub(super) fn backward(
    x: FlexTensor,
    film: FlexTensor,
    gradient: FlexTensor,
) -> (FlexTensor, FlexTensor) {
    let (samples, shape) = (x.shape()[0], film.shape());
    let (x, film, mut gradient) = (values(x), values(film), writable(gradient));
    let mut sums = vec![0.0; film.get().len()];
    if let Some((sample, both)) = sizes(x.get(), film.get(), samples) {
        gradient
            .get_mut()
            .par_chunks_mut(sample)
            .zip(x.get().par_chunks(sample))
            .zip(film.get().par_chunks(both))
            .zip(sums.par_chunks_mut(both))
            .for_each(|(((gradient, x), film), sums)| {
                let (along, total) = sums.split_at_mut(both / 2);
                pulp::Arch::new().dispatch(Backward {
                    x,
                    scale: &film[..both / 2],
                    along,
                    total,
                    gradient,
                });
            });
    }
    x.release();
    (gradient.into_tensor(), tensor(sums, shape))
}

/// Numbers of a sample of x, and of its scales and shifts, where there are any.
fn sizes(x: &[f32], film: &[f32], samples: usize) -> Option<(usize, usize)> {
    let sizes = (x.len() / samples.max(1), film.len() / samples.max(1));
    (sizes.0 > 0 && sizes.1 > 1).then_some(sizes)
}

/// One sample.
struct Forward<'a> {
    x: &'a [f32],
    scale: &'a [f32],
    shift: &'a [f32],
    out: &'a mut [f32],
}

impl NullaryFnOnce for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let channels = self.scale.len();
        let rows = self.out.chunks_mut(channels).zip(self.x.chunks(channels));
        for (out, x) in rows {
            let film = self.scale.iter().zip(self.shift);
            for ((out, x), (scale, shift)) in out.iter_mut().zip(x).zip(film) {
                *out = x * (1.0 + scale) + shift;
            }
        }
    }
}

/// One sample.
struct Backward<'a> {
    x: &'a [f32],
    scale: &'a [f32],
    /// Gradients of the scales.
    along: &'a mut [f32],
    /// Gradients of the shifts.
    total: &'a mut [f32],
    /// Of the output on the way in, of x on the way out.
    gradient: &'a mut [f32],
}

impl NullaryFnOnce for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let channels = self.scale.len();
        let rows = self
            .gradient
            .chunks_mut(channels)
            .zip(self.x.chunks(channels));
        for (gradient, x) in rows {
            let sums = self.along.iter_mut().zip(self.total.iter_mut());
            let numbers = gradient.iter_mut().zip(x).zip(self.scale);
            for (((gradient, x), scale), (along, total)) in numbers.zip(sums) {
                *along += *gradient * x;
                *total += *gradient;
                *gradient *= 1.0 + scale;
            }
        }
    }
}
