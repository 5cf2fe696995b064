//! Where outputs of a convolution lie over a picture, and pixels under the outputs.

use super::micro_kernel::Run;
use super::zero_padding::{ImageSize, Padded};
use crate::window::Window;
use burn::backend::Shape;

/// One sample's sizes.
#[derive(Clone, Copy)]
pub(super) struct ConvolutionLayout {
    window: Window,
    size: [usize; 2],
    output: [usize; 2],
    channels: usize,
}

impl ConvolutionLayout {
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

    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// Numbers of a sample.
    pub(super) fn numbers(&self) -> usize {
        self.size[0] * self.size[1] * self.channels
    }

    /// Outputs of a sample.
    pub(super) fn positions(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// The pictures with the zeros that outputs at the sides see.
    pub(super) fn padded<'a>(&self, x: &'a [f32]) -> Padded<'a> {
        let zeros = self.window.padding;
        Padded::new(x, self.size, self.channels, zeros, zeros)
    }

    /// Where in padded pictures each output looks.
    pub(super) fn places(&self, padded: &Padded<'_>) -> Vec<usize> {
        let samples = padded.samples();
        padded
            .frame()
            .grid(samples, [0; 2], self.window.stride, self.output)
    }

    /// What an output sees from there: as many runs as the kernel has lines.
    pub(super) fn runs(&self, padded: &Padded<'_>) -> Vec<Run> {
        let line = padded.frame().line();
        let length = self.window.kernel[1] * self.channels;
        (0..self.window.kernel[0])
            .map(|i| Run {
                offset: i * line,
                length,
            })
            .collect()
    }

    /// Gradients [B, H', W', out] with the zeros that pixels at the sides are seen by.
    pub(super) fn padded_gradient<'a>(&self, gradient: &'a [f32], columns: usize) -> Padded<'a> {
        let window = &self.window;
        let after = [0, 1].map(|d| {
            let farthest = (self.size[d] - 1 + window.padding[d]) / window.stride[d];
            (farthest + 1).saturating_sub(self.output[d])
        });
        let before = [0, 1].map(|d| window.kernel[d].div_ceil(window.stride[d]) - 1);
        Padded::new(gradient, self.output, columns, before, after)
    }

    /// Whether the kernel steps over some pixels.
    pub(super) fn has_unseen_pixels(&self) -> bool {
        (0..2).any(|d| self.window.kernel[d] < self.window.stride[d])
    }

    /// Every other pixel is seen by some outputs. With a stride there are pixels of several phases, which
    /// are seen through different weights.
    pub(super) fn phases(&self) -> Vec<StridePhase> {
        let [lines, columns] = [0, 1].map(|d| {
            (0..self.window.stride[d])
                .filter_map(|r| self.phase(d, r))
                .collect::<Vec<_>>()
        });
        let mut phases = Vec::new();
        for &line in &lines {
            for &column in &columns {
                phases.push(StridePhase {
                    across: [line, column],
                    kernel_width: self.window.kernel[1],
                    stride: self.window.stride,
                });
            }
        }
        phases
    }

    /// The pixels along a dimension that are seen through weights `first_tap`, one stride further,
    /// and so on.
    fn phase(&self, d: usize, first_tap: usize) -> Option<Along> {
        let (kernel, stride) = (self.window.kernel[d], self.window.stride[d]);
        let (padding, size) = (self.window.padding[d], self.size[d]);
        let first_pixel = (first_tap + stride - padding % stride) % stride;
        let taps = kernel.checked_sub(first_tap)?.div_ceil(stride);
        if taps == 0 || first_pixel >= size {
            return None;
        }
        Some(Along {
            first_tap,
            taps,
            first_pixel,
            count: (size - 1 - first_pixel) / stride + 1,
            // In the padded gradient, whose zeros before are for the phase with the most taps.
            first_output: (first_pixel + padding - first_tap) / stride + kernel.div_ceil(stride)
                - taps,
        })
    }

    /// Where in pictures without zeros around them the pixels of a phase begin.
    pub(super) fn pixels(&self, samples: usize, phase: &StridePhase) -> Vec<usize> {
        let frame = ImageSize {
            size: self.size,
            channels: self.channels,
        };
        let first = phase.across.map(|a| a.first_pixel);
        frame.grid(samples, first, self.window.stride, phase.count())
    }
}

/// Pixels that are seen through the same weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct StridePhase {
    /// Down and across.
    across: [Along; 2],
    kernel_width: usize,
    stride: [usize; 2],
}

#[derive(Clone, Copy, Debug)]
struct Along {
    first_tap: usize,
    taps: usize,
    first_pixel: usize,
    count: usize,
    first_output: usize,
}

impl StridePhase {
    fn count(&self) -> [usize; 2] {
        self.across.map(|a| a.count)
    }

    /// Where in the padded gradient each pixel's outputs begin.
    pub(super) fn places(&self, padded: &Padded<'_>) -> Vec<usize> {
        let first = self.across.map(|a| a.first_output);
        padded
            .frame()
            .grid(padded.samples(), first, [1; 2], self.count())
    }

    /// The outputs that see a pixel from there on: as many runs as lines of outputs do.
    pub(super) fn runs(&self, padded: &Padded<'_>) -> Vec<Run> {
        let frame = padded.frame();
        (0..self.across[0].taps)
            .map(|i| Run {
                offset: i * frame.line(),
                length: self.across[1].taps * frame.channels,
            })
            .collect()
    }

    /// Which place of the kernel the `index`-th of those outputs sees the pixel at: the first output
    /// is the farthest back and so sees it last.
    pub(super) fn tap(&self, index: usize) -> usize {
        let [down, across] = self.across;
        let place = [index / across.taps, index % across.taps];
        let [i, j] = [0, 1].map(|d| {
            let along = self.across[d];
            along.first_tap + self.stride[d] * (along.taps - 1 - place[d])
        });
        debug_assert!(place[0] < down.taps);
        i * self.kernel_width + j
    }
}
