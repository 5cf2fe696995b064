//! The largest number under a window, channels-last.

use super::buffer::{tensor, values};
use super::buffer_pool;
use crate::window::Window;
use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use pulp::NullaryFnOnce;
use rayon::prelude::*;
use std::sync::Arc;

/// Which place under the window each output came from.
#[derive(Clone, Debug)]
pub(super) struct MaxIndices {
    places: Arc<[u8]>,
    window: Window,
    input: [usize; 4],
    output: [usize; 4],
}

/// [B, H, W, C] to [B, H', W', C]; what lies outside the picture never counts.
pub(super) fn forward(x: FlexTensor, window: Window) -> (FlexTensor, MaxIndices) {
    let shape = x.shape();
    let out_shape = window.output_shape(&shape, shape[3]);
    let four = |s: &burn::backend::Shape| [s[0], s[1], s[2], s[3]];
    let (input, output) = (four(&shape), four(&out_shape));
    let x = values(x);
    let mut out = buffer_pool::take(output.iter().product());
    let mut places = vec![0u8; out.len()];
    let line = (output[2] * output[3]).max(1);
    out.par_chunks_mut(line)
        .zip(places.par_chunks_mut(line))
        .enumerate()
        .for_each(|(at, (out, places))| {
            pulp::Arch::new().dispatch(Line {
                x: x.get(),
                window,
                input,
                sample: at / output[1],
                line: at % output[1],
                out,
                places,
            });
        });
    let indices = MaxIndices {
        places: places.into(),
        window,
        input,
        output,
    };
    (tensor(out, out_shape), indices)
}

/// The gradient goes to where the number came from.
pub(super) fn backward(indices: &MaxIndices, gradient: FlexTensor) -> FlexTensor {
    let gradient = values(gradient);
    let [_, height, width, channels] = indices.input;
    let sample = height * width * channels;
    let per_sample = indices.output[1] * indices.output[2] * channels;
    let mut dx = buffer_pool::take(indices.input.iter().product());
    if sample > 0 && per_sample > 0 {
        dx.par_chunks_mut(sample)
            .zip(gradient.get().par_chunks(per_sample))
            .zip(indices.places.par_chunks(per_sample))
            .for_each(|((dx, gradient), places)| {
                pulp::Arch::new().dispatch(Scatter {
                    dx,
                    gradient,
                    places,
                    indices,
                });
            });
    }
    gradient.release();
    tensor(dx, burn::backend::Shape::from(indices.input.to_vec()))
}

/// The pixels of the picture under an output, with their places under the window.
#[inline(always)]
fn under(
    window: Window,
    size: [usize; 2],
    output: [usize; 2],
) -> impl Iterator<Item = (u8, usize)> {
    let [rows, columns] = [0, 1].map(|d| {
        let start = output[d] * window.stride[d];
        let first = window.padding[d].saturating_sub(start);
        let end = (size[d] + window.padding[d]).saturating_sub(start);
        first..window.kernel[d].min(end)
    });
    rows.flat_map(move |i| {
        columns.clone().map(move |j| {
            let y = output[0] * window.stride[0] + i - window.padding[0];
            let x = output[1] * window.stride[1] + j - window.padding[1];
            ((i * window.kernel[1] + j) as u8, y * size[1] + x)
        })
    })
}

/// One line of outputs.
struct Line<'a> {
    x: &'a [f32],
    window: Window,
    input: [usize; 4],
    sample: usize,
    line: usize,
    out: &'a mut [f32],
    places: &'a mut [u8],
}

impl NullaryFnOnce for Line<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let [_, height, width, channels] = self.input;
        let picture = &self.x[self.sample * height * width * channels..];
        let outputs = self.out.chunks_mut(channels);
        for (column, (out, indices)) in outputs.zip(self.places.chunks_mut(channels)).enumerate() {
            out.fill(f32::NEG_INFINITY);
            for (place, pixel) in under(self.window, [height, width], [self.line, column]) {
                let x = &picture[pixel * channels..][..channels];
                for ((out, indices), &x) in out.iter_mut().zip(indices.iter_mut()).zip(x) {
                    let larger = x > *out;
                    *out = if larger { x } else { *out };
                    *indices = if larger { place } else { *indices };
                }
            }
        }
    }
}

/// One sample's gradients.
struct Scatter<'a> {
    dx: &'a mut [f32],
    gradient: &'a [f32],
    places: &'a [u8],
    indices: &'a MaxIndices,
}

impl NullaryFnOnce for Scatter<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let [_, height, width, channels] = self.indices.input;
        let columns = self.indices.output[2];
        self.dx.fill(0.0);
        let outputs = self.gradient.chunks(channels);
        for (at, (gradient, indices)) in outputs.zip(self.places.chunks(channels)).enumerate() {
            let output = [at / columns, at % columns];
            for (place, pixel) in under(self.indices.window, [height, width], output) {
                let dx = &mut self.dx[pixel * channels..][..channels];
                for ((dx, &gradient), &indices) in dx.iter_mut().zip(gradient).zip(indices) {
                    *dx += if indices == place { gradient } else { 0.0 };
                }
            }
        }
    }
}
