//! Convolution as a matrix product over gathered neighbourhoods, a few samples at a time, so that
//! what is gathered stays in the cache.

use super::product::{Matrix, multiply};
use burn::backend::Shape;
use rayon::prelude::*;
use std::ops::Range;

/// Rows of a product at least, where the batch has them: the weights are packed once a product.
const ROWS: usize = 256;

/// Kernel, stride and zeros at each side, of rows and of columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) padding: [usize; 2],
}

impl Window {
    /// [B, H', W', out] for [B, H, W, in].
    pub(super) fn output_shape(&self, input: &Shape, channels: usize) -> Shape {
        let [h, w] = self.output([input[1], input[2]]);
        Shape::from(vec![input[0], h, w, channels])
    }

    fn output(&self, size: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|d| (size[d] + 2 * self.padding[d] - self.kernel[d]) / self.stride[d] + 1)
    }
}

/// One sample's sizes.
#[derive(Clone, Copy)]
pub(super) struct Picture {
    window: Window,
    size: [usize; 2],
    output: [usize; 2],
    channels: usize,
}

impl Picture {
    /// Of input [B, H, W, C].
    pub(super) fn new(window: Window, input: &Shape) -> Self {
        let size = [input[1], input[2]];
        Self {
            window,
            size,
            output: window.output(size),
            channels: input[3],
        }
    }

    /// Numbers of a sample.
    pub(super) fn numbers(&self) -> usize {
        self.size[0] * self.size[1] * self.channels
    }

    /// Outputs of a sample.
    pub(super) fn positions(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Numbers an output sees.
    pub(super) fn reach(&self) -> usize {
        self.window.kernel[0] * self.window.kernel[1] * self.channels
    }

    /// Samples of one product.
    pub(super) fn block(&self, samples: usize) -> usize {
        ROWS.div_ceil(self.positions().max(1))
            .clamp(1, samples.max(1))
    }

    /// Whether an output sees just its own position.
    pub(super) fn pointwise(&self) -> bool {
        self.window.kernel == [1, 1]
            && self.window.stride == [1, 1]
            && self.window.padding == [0, 0]
    }

    /// What each output of `x` sees, one row an output; `rows` is written in full.
    pub(super) fn gather(&self, x: &[f32], rows: &mut [f32]) {
        let run = self.window.kernel[1] * self.channels;
        for (sample, rows) in x
            .chunks(self.numbers())
            .zip(rows.chunks_mut(self.positions() * self.reach()))
        {
            let mut places = rows.chunks_mut(run);
            self.runs(|line, _| {
                let Some(place) = places.next() else { return };
                match line {
                    None => place.fill(0.0),
                    Some((from, before)) => {
                        place[..before].fill(0.0);
                        let end = before + from.len();
                        place[before..end].copy_from_slice(&sample[from]);
                        place[end..].fill(0.0);
                    }
                }
            });
        }
    }

    /// Adds the rows' numbers to where [`Self::gather`] took them from.
    pub(super) fn scatter(&self, rows: &[f32], x: &mut [f32]) {
        let run = self.window.kernel[1] * self.channels;
        for (sample, rows) in x
            .chunks_mut(self.numbers())
            .zip(rows.chunks(self.positions() * self.reach()))
        {
            self.runs(|line, index| {
                if let Some((to, before)) = line {
                    let start = index * run + before;
                    let from = &rows[start..start + to.len()];
                    sample[to].iter_mut().zip(from).for_each(|(x, v)| *x += v);
                }
            });
        }
    }

    /// Calls `visit` for every kernel row of every output in order, with the part of the sample it
    /// covers and how many zeros come before it, and with its index.
    #[inline(always)]
    fn runs(&self, mut visit: impl FnMut(Option<(Range<usize>, usize)>, usize)) {
        let Window {
            kernel,
            stride,
            padding,
        } = self.window;
        let [height, width] = self.size;
        let mut index = 0;
        for row in 0..self.output[0] {
            for column in 0..self.output[1] {
                let left = column * stride[1];
                let first = left.max(padding[1]) - padding[1];
                let last = (left + kernel[1]).min(width + padding[1]).max(padding[1]) - padding[1];
                let before = padding[1].saturating_sub(left);
                for offset in 0..kernel[0] {
                    let y = row * stride[0] + offset;
                    let inside = (padding[0]..height + padding[0]).contains(&y) && first < last;
                    let line = inside.then(|| {
                        let start = (y - padding[0]) * width;
                        let covered =
                            (start + first) * self.channels..(start + last) * self.channels;
                        (covered, before * self.channels)
                    });
                    visit(line, index);
                    index += 1;
                }
            }
        }
    }
}

/// Outputs [B, H', W', out] of `x` with weights [reach, out] and bias [out].
pub(super) fn convolve(x: &[f32], weight: &[f32], bias: &[f32], picture: &Picture) -> Vec<f32> {
    let (numbers, positions, reach) = (picture.numbers(), picture.positions(), picture.reach());
    let channels = bias.len();
    let samples = x.len() / numbers.max(1);
    let block = picture.block(samples);
    let mut out = vec![0.0; samples * positions * channels];
    if out.is_empty() {
        return out;
    }
    let alone = samples.div_ceil(block) < 2;
    let weight = Matrix::new(weight, reach, channels);
    out.par_chunks_mut(block * positions * channels)
        .zip(x.par_chunks(block * numbers))
        .for_each_init(Vec::new, |gathered, (out, x)| {
            let rows = out.len() / channels;
            out.chunks_mut(channels)
                .for_each(|out| out.copy_from_slice(bias));
            let seen = if picture.pointwise() {
                x
            } else {
                gathered.resize(rows * reach, 0.0);
                picture.gather(x, gathered);
                gathered
            };
            multiply(out, Matrix::new(seen, rows, reach), weight, true, alone);
        });
    out
}
