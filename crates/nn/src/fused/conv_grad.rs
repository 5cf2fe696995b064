//! Gradients of a convolution, gathering anew rather than keeping what the forward pass gathered.

use super::gather::Picture;
use super::product::{Matrix, multiply};
use rayon::prelude::*;

/// Parts of the batch with a weight gradient each, summed in order at the end.
const PARTS: usize = 8;

/// Gradients of x (empty when not wanted), weight and bias.
pub(super) struct ConvGradients {
    pub(super) x: Vec<f32>,
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// From the gradient [B, H', W', out] of the output.
pub(super) fn gradients(
    x: &[f32],
    weight: &[f32],
    gradient: &[f32],
    channels: usize,
    picture: &Picture,
    wants_x: bool,
) -> ConvGradients {
    let (numbers, reach) = (picture.numbers(), picture.reach());
    let outputs = picture.positions() * channels;
    let samples = x.len() / numbers.max(1);
    let block = picture.block(samples);
    let part = samples.div_ceil(block).div_ceil(PARTS).max(1) * block;
    let mut dx = vec![0.0; if wants_x { x.len() } else { 0 }];
    if gradient.is_empty() {
        return ConvGradients {
            x: dx,
            weight: vec![0.0; weight.len()],
            bias: vec![0.0; channels],
        };
    }
    let mut slots: Vec<Option<&mut [f32]>> = if wants_x {
        dx.chunks_mut(part * numbers).map(Some).collect()
    } else {
        (0..samples.div_ceil(part)).map(|_| None).collect()
    };
    let alone = slots.len() < 2;
    let kernel = Matrix::new(weight, reach, channels);
    let sums: Vec<(Vec<f32>, Vec<f32>)> = slots
        .par_iter_mut()
        .zip(x.par_chunks(part * numbers))
        .zip(gradient.par_chunks(part * outputs))
        .map(|((dx, x), gradient)| {
            let mut weight_sum = vec![0.0; weight.len()];
            let mut bias_sum = vec![0.0; channels];
            let (mut gathered, mut spread) = (Vec::new(), Vec::new());
            for (index, (x, gradient)) in x
                .chunks(block * numbers)
                .zip(gradient.chunks(block * outputs))
                .enumerate()
            {
                let rows = gradient.len() / channels;
                for row in gradient.chunks(channels) {
                    bias_sum.iter_mut().zip(row).for_each(|(b, g)| *b += g);
                }
                let seen = if picture.pointwise() {
                    x
                } else {
                    gathered.resize(rows * reach, 0.0);
                    picture.gather(x, &mut gathered);
                    &gathered
                };
                let seen = Matrix::new(seen, rows, reach).transposed();
                let gradient = Matrix::new(gradient, rows, channels);
                multiply(&mut weight_sum, seen, gradient, true, alone);
                if let Some(dx) = dx {
                    let start = index * block * numbers;
                    let dx = &mut dx[start..start + x.len()];
                    if picture.pointwise() {
                        multiply(dx, gradient, kernel.transposed(), false, alone);
                    } else {
                        spread.resize(rows * reach, 0.0);
                        multiply(&mut spread, gradient, kernel.transposed(), false, alone);
                        picture.scatter(&spread, dx);
                    }
                }
            }
            (weight_sum, bias_sum)
        })
        .collect();
    let mut totals = sums.into_iter();
    let (mut weight, mut bias) = totals.next().unwrap_or_default();
    for (more, bias_more) in totals {
        weight.iter_mut().zip(more).for_each(|(w, m)| *w += m);
        bias.iter_mut().zip(bias_more).for_each(|(b, m)| *b += m);
    }
    ConvGradients {
        x: dx,
        weight,
        bias,
    }
}
