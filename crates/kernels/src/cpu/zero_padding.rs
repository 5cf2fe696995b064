//! Pictures with zeros around them, and where their parts lie.

use super::buffer_pool;
use rayon::prelude::*;
use std::borrow::Cow;

/// Sizes of a picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct ImageSize {
    pub(super) size: [usize; 2],
    pub(super) channels: usize,
}

impl ImageSize {
    /// Numbers of a line.
    pub(super) fn line(&self) -> usize {
        self.size[1] * self.channels
    }

    /// Where the pixels of a grid over every picture begin: its first pixel, the steps between pixels
    /// and how many there are, down and across.
    pub(super) fn grid(
        &self,
        samples: usize,
        first: [usize; 2],
        step: [usize; 2],
        count: [usize; 2],
    ) -> Vec<usize> {
        let mut places = Vec::with_capacity(samples * count[0] * count[1]);
        for sample in 0..samples {
            for y in 0..count[0] {
                let line = sample * self.size[0] + first[0] + y * step[0];
                let start = line * self.line() + first[1] * self.channels;
                places.extend((0..count[1]).map(|x| start + x * step[1] * self.channels));
            }
        }
        places
    }
}

/// Pictures [B, H, W, C] with zeros around each.
pub(super) struct Padded<'a> {
    numbers: Cow<'a, [f32]>,
    frame: ImageSize,
}

impl<'a> Padded<'a> {
    /// Zeros `before` and `after` the lines and columns of pictures of `size`.
    pub(super) fn new(
        x: &'a [f32],
        size: [usize; 2],
        channels: usize,
        before: [usize; 2],
        after: [usize; 2],
    ) -> Self {
        let grown = [0, 1].map(|d| before[d] + size[d] + after[d]);
        let frame = ImageSize {
            size: grown,
            channels,
        };
        if grown == size || x.is_empty() {
            return Self {
                numbers: Cow::Borrowed(x),
                frame,
            };
        }
        let (line, wide) = (size[1] * channels, grown[1] * channels);
        let samples = x.len() / (size[0] * line);
        let mut numbers = buffer_pool::take(samples * grown[0] * wide);
        numbers
            .par_chunks_mut(grown[0] * wide)
            .zip(x.par_chunks(size[0] * line))
            .for_each(|(to, from)| {
                let (top, rest) = to.split_at_mut(before[0] * wide);
                let (middle, bottom) = rest.split_at_mut(size[0] * wide);
                top.fill(0.0);
                bottom.fill(0.0);
                for (to, from) in middle.chunks_mut(wide).zip(from.chunks(line)) {
                    let (left, rest) = to.split_at_mut(before[1] * channels);
                    let (inner, right) = rest.split_at_mut(line);
                    left.fill(0.0);
                    inner.copy_from_slice(from);
                    right.fill(0.0);
                }
            });
        Self {
            numbers: Cow::Owned(numbers),
            frame,
        }
    }

    pub(super) fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    pub(super) fn frame(&self) -> ImageSize {
        self.frame
    }

    pub(super) fn samples(&self) -> usize {
        self.numbers.len() / (self.frame.size[0] * self.frame.line()).max(1)
    }

    /// Keeps the memory for later.
    pub(super) fn release(self) {
        if let Cow::Owned(numbers) = self.numbers {
            buffer_pool::put(numbers);
        }
    }
}
