//! Convolution as a matrix product over gathered neighbourhoods, a few lines of a picture at a time,
//! so that what is gathered stays in the cache.

use super::gather::Picture;
use super::product::{Matrix, multiply};
use super::recycle;
use rayon::prelude::*;

/// Parts of the batch with a weight gradient each, summed in order at the end.
const PARTS: usize = 8;

/// Outputs [B, H', W', out] of `x` with weights [reach, out] and bias [out].
pub(super) fn convolve(x: &[f32], weight: &[f32], bias: &[f32], picture: &Picture) -> Vec<f32> {
    let (numbers, reach, channels) = (picture.numbers(), picture.reach(), bias.len());
    let outputs = picture.positions() * channels;
    let samples = x.len() / numbers.max(1);
    let block = picture.block(samples);
    let mut out = recycle::take(samples * outputs);
    if out.is_empty() {
        return out;
    }
    let alone = samples.div_ceil(block) < 2;
    let weight = Matrix::new(weight, reach, channels);
    out.par_chunks_mut(block * outputs)
        .zip(x.par_chunks(block * numbers))
        .for_each(|(out, x)| {
            picture.seen(x, |rows, seen| {
                let seen = Matrix::new(seen, rows.len(), reach);
                let out = &mut out[rows.start * channels..rows.end * channels];
                for out in out.chunks_mut(channels) {
                    out.copy_from_slice(bias);
                }
                multiply(out, seen, weight, true, alone);
            });
        });
    out
}

/// Gradients of x (empty when not wanted), weight and bias.
#[derive(Default)]
pub(super) struct ConvGradients {
    pub(super) x: Vec<f32>,
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// From the gradient [B, H', W', out] of the output. What the forward pass gathered is gathered
/// anew, as keeping it would take many times the memory of the picture.
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
    if gradient.is_empty() {
        return ConvGradients {
            x: vec![0.0; if wants_x { x.len() } else { 0 }],
            weight: vec![0.0; weight.len()],
            bias: vec![0.0; channels],
        };
    }
    let mut dx = if wants_x {
        recycle::take(x.len())
    } else {
        Vec::new()
    };
    let mut slots: Vec<Option<&mut [f32]>> = if wants_x {
        dx.chunks_mut(part * numbers).map(Some).collect()
    } else {
        (0..samples.div_ceil(part)).map(|_| None).collect()
    };
    let alone = slots.len() < 2;
    let kernel = Matrix::new(weight, reach, channels).transposed();
    let sums: Vec<ConvGradients> = slots
        .par_iter_mut()
        .zip(x.par_chunks(part * numbers))
        .zip(gradient.par_chunks(part * outputs))
        .map(|((dx, x), gradient)| {
            let mut sums = ConvGradients {
                x: Vec::new(),
                weight: vec![0.0; weight.len()],
                bias: vec![0.0; channels],
            };
            for row in gradient.chunks(channels) {
                add(&mut sums.bias, row);
            }
            if let Some(dx) = dx {
                dx.fill(0.0);
            }
            picture.seen(x, |rows, seen| {
                let seen = Matrix::new(seen, rows.len(), reach).transposed();
                let gradient = &gradient[rows.start * channels..rows.end * channels];
                let gradient = Matrix::new(gradient, rows.len(), channels);
                multiply(&mut sums.weight, seen, gradient, true, alone);
                if let Some(dx) = dx {
                    let mut spread = recycle::take(rows.len() * reach);
                    multiply(&mut spread, gradient, kernel, false, alone);
                    picture.scatter(rows, &spread, dx);
                    recycle::give(spread);
                }
            });
            sums
        })
        .collect();
    let mut sums = sums.into_iter();
    let mut total = sums.next().unwrap_or_default();
    for more in sums {
        add(&mut total.weight, &more.weight);
        add(&mut total.bias, &more.bias);
    }
    ConvGradients { x: dx, ..total }
}

fn add(sums: &mut [f32], more: &[f32]) {
    sums.iter_mut().zip(more).for_each(|(s, m)| *s += m);
}
