//! What the outputs of a convolution see of a picture, as rows of a matrix, and back.

use super::recycle;
use burn::backend::Shape;
use std::ops::Range;

/// Rows of a matrix product at least, where the batch has them: the weights are packed once a
/// product. What is gathered for so many rows stays in the cache.
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
    /// Columns of outputs that see no padding at their sides.
    inner: (usize, usize),
}

impl Picture {
    /// Of input [B, H, W, C].
    pub(super) fn new(window: Window, input: &Shape) -> Self {
        let size = [input[1], input[2]];
        let output = window.output(size);
        let (stride, padding) = (window.stride[1], window.padding[1]);
        let first = padding.div_ceil(stride).min(output[1]);
        let last = (size[1] + padding)
            .checked_sub(window.kernel[1])
            .map_or(0, |room| room / stride + 1);
        Self {
            window,
            size,
            output,
            channels: input[3],
            inner: (first, last.clamp(first, output[1])),
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
        self.window.kernel[0] * self.run()
    }

    /// Numbers of a row of the kernel, which lie side by side in the picture.
    fn run(&self) -> usize {
        self.window.kernel[1] * self.channels
    }

    /// Samples a task works on.
    pub(super) fn block(&self, samples: usize) -> usize {
        ROWS.div_ceil(self.positions().max(1))
            .clamp(1, samples.max(1))
    }

    /// Whether an output sees just its own position.
    fn pointwise(&self) -> bool {
        self.window.kernel == [1, 1]
            && self.window.stride == [1, 1]
            && self.window.padding == [0, 0]
    }

    /// Calls `work` for one part of the outputs of the samples after the other, with the range of
    /// outputs and what each of them sees, one row an output.
    pub(super) fn seen(&self, x: &[f32], mut work: impl FnMut(Range<usize>, &[f32])) {
        let lines = x.len() / self.numbers() * self.output[0];
        let width = self.output[1];
        if self.pointwise() {
            return work(0..lines * width, x);
        }
        let at_once = ROWS.div_ceil(width).min(lines);
        let size = width * self.reach();
        let mut memory = recycle::take(at_once * size);
        for start in (0..lines).step_by(at_once) {
            let end = (start + at_once).min(lines);
            let rows = &mut memory[..(end - start) * size];
            for (line, rows) in (start..end).zip(rows.chunks_mut(size)) {
                let sample = &x[line / self.output[0] * self.numbers()..][..self.numbers()];
                self.gather(sample, line % self.output[0], rows);
            }
            work(start * width..end * width, rows);
        }
        recycle::give(memory);
    }

    /// Writes the rows of one line of outputs.
    fn gather(&self, sample: &[f32], line: usize, rows: &mut [f32]) {
        let (run, reach) = (self.run(), self.reach());
        let step = self.window.stride[1] * self.channels;
        let (first, last) = self.inner;
        for offset in 0..self.window.kernel[0] {
            let rows = &mut rows[offset * run..];
            let Some(source) = self.source(line, offset) else {
                for row in rows.chunks_mut(reach) {
                    row[..run].fill(0.0);
                }
                continue;
            };
            let source = &sample[source];
            for column in (0..first).chain(last..self.output[1]) {
                let (covered, before) = self.covered(column);
                let row = &mut rows[column * reach..][..run];
                let end = before + covered.len();
                row[..before].fill(0.0);
                row[before..end].copy_from_slice(&source[covered]);
                row[end..].fill(0.0);
            }
            let from = self.covered(first).0.start;
            let inner = rows.chunks_mut(reach).take(last).skip(first);
            for (row, from) in inner.zip((from..).step_by(step)) {
                copy(&mut row[..run], &source[from..from + run]);
            }
        }
    }

    /// Adds the rows of these outputs to the numbers they stand for.
    pub(super) fn scatter(&self, outputs: Range<usize>, rows: &[f32], x: &mut [f32]) {
        let (run, reach, width) = (self.run(), self.reach(), self.output[1]);
        let lines = outputs.start / width..outputs.end / width;
        for (line, rows) in lines.zip(rows.chunks(width * reach)) {
            let sample = &mut x[line / self.output[0] * self.numbers()..][..self.numbers()];
            for offset in 0..self.window.kernel[0] {
                let Some(target) = self.source(line % self.output[0], offset) else {
                    continue;
                };
                let target = &mut sample[target];
                for (column, row) in rows.chunks(reach).enumerate() {
                    let (covered, before) = self.covered(column);
                    let row = &row[offset * run + before..][..covered.len()];
                    let numbers = target[covered].iter_mut();
                    numbers.zip(row).for_each(|(x, v)| *x += v);
                }
            }
        }
    }

    /// The line of the picture under a line of the kernel, when there is one.
    fn source(&self, line: usize, offset: usize) -> Option<Range<usize>> {
        let y = (line * self.window.stride[0] + offset).checked_sub(self.window.padding[0])?;
        let width = self.size[1] * self.channels;
        (y < self.size[0]).then(|| y * width..(y + 1) * width)
    }

    /// The part of a picture's line under the kernel at a column of outputs, and the zeros before it.
    #[inline(always)]
    fn covered(&self, column: usize) -> (Range<usize>, usize) {
        let padding = self.window.padding[1];
        let left = column * self.window.stride[1];
        let right = (left + self.window.kernel[1]).min(self.size[1] + padding);
        let first = left.max(padding).min(right.max(padding)) - padding;
        let last = right.max(padding) - padding;
        let before = padding.saturating_sub(left).min(self.window.kernel[1]);
        (
            first * self.channels..last * self.channels,
            before * self.channels,
        )
    }
}

/// Copies a short run without a call: eight at a time, the last eight overlapping.
#[inline(always)]
fn copy(to: &mut [f32], from: &[f32]) {
    let length = to.len().min(from.len());
    if !(8..=64).contains(&length) {
        to.copy_from_slice(from);
        return;
    }
    for (to, from) in to.chunks_exact_mut(8).zip(from.chunks_exact(8)) {
        to.copy_from_slice(from);
    }
    to[length - 8..].copy_from_slice(&from[length - 8..]);
}
