//! Group normalisation and what follows it in one go.

use super::activation::{ActivationFunction, Identity, Mish, Relu};
use super::buffer::{tensor, values, writable};
use super::buffer_pool;
use crate::activation::Activation;
use burn::backend::flex::FlexTensor;
use burn::backend::{Shape, TensorMetadata};
use pulp::NullaryFnOnce;
use rayon::prelude::*;

/// Numbers a row of the loops has at least, so that few channels still fill vector registers.
const ROW: usize = 64;
const EPSILON: f64 = 1e-5;

/// Mean and inverse standard deviation of a group.
type Statistics = [f32; 2];

/// What the backward pass needs from the forward one.
pub(super) struct Saved {
    pub(super) x: FlexTensor,
    pub(super) gamma: FlexTensor,
    pub(super) beta: FlexTensor,
    /// Of every group, [B, groups, 2].
    pub(super) statistics: FlexTensor,
    pub(super) activation: Activation,
}

/// Normalises and activates [B, .., C]; also answers mean and inverse standard deviation of every group,
/// [B, groups, 2].
pub(super) fn forward(
    x: FlexTensor,
    gamma: FlexTensor,
    beta: FlexTensor,
    groups: usize,
    activation: Activation,
) -> (FlexTensor, FlexTensor) {
    let shape = x.shape();
    let (x, gamma, beta) = (values(x), values(gamma), values(beta));
    let (x, channels) = (x.get(), gamma.get().len());
    let sample = x.len() / shape[0].max(1);
    let mut statistics = vec![0.0; shape[0] * groups * 2];
    let mut out = buffer_pool::take(x.len());
    if sample > 0 {
        let row = row_length(channels);
        let (gamma, beta) = (repeated(gamma.get(), row), repeated(beta.get(), row));
        out.par_chunks_mut(sample)
            .zip(x.par_chunks(sample))
            .zip(statistics.par_chunks_mut(2 * groups))
            .for_each(|((out, x), statistics)| {
                pulp::Arch::new().dispatch(Forward {
                    x,
                    gamma: &gamma,
                    beta: &beta,
                    channels,
                    activation,
                    statistics: statistics.as_chunks_mut().0,
                    out,
                });
            });
    }
    let groups = Shape::from(vec![shape[0], groups, 2]);
    (tensor(out, shape), tensor(statistics, groups))
}

/// Gradients of x, gamma and beta.
pub(super) fn backward(saved: Saved, gradient: FlexTensor) -> (FlexTensor, FlexTensor, FlexTensor) {
    let (shape, activation) = (saved.x.shape(), saved.activation);
    let groups = saved.statistics.shape()[1];
    let parameters = saved.gamma.shape();
    let (saved_x, mut gradient) = (values(saved.x), writable(gradient));
    let (gamma, beta, statistics) = (
        values(saved.gamma),
        values(saved.beta),
        values(saved.statistics),
    );
    let (x, channels) = (saved_x.get(), gamma.get().len());
    let sample = x.len() / shape[0].max(1);
    // Per sample: the gradients of beta, then of gamma.
    let mut sums = vec![0.0f32; shape[0] * 2 * channels];
    if sample > 0 {
        let row = row_length(channels);
        let (gamma, beta) = (repeated(gamma.get(), row), repeated(beta.get(), row));
        gradient
            .get_mut()
            .par_chunks_mut(sample)
            .zip(x.par_chunks(sample))
            .zip(statistics.get().par_chunks(2 * groups))
            .zip(sums.par_chunks_mut(2 * channels))
            .for_each(|(((gradient, x), statistics), sums)| {
                pulp::Arch::new().dispatch(Backward {
                    x,
                    gamma: &gamma,
                    beta: &beta,
                    channels,
                    activation,
                    statistics: statistics.as_chunks().0,
                    sums,
                    gradient,
                });
            });
    }
    let mut totals = vec![0.0; 2 * channels];
    for sums in sums.chunks(2 * channels) {
        totals.iter_mut().zip(sums).for_each(|(t, s)| *t += s);
    }
    let gamma = totals.split_off(channels);
    saved_x.release();
    (
        gradient.into_tensor(),
        tensor(gamma, parameters.clone()),
        tensor(totals, parameters),
    )
}

/// One sample's forward pass; gamma and beta are one row long.
struct Forward<'a> {
    x: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
    channels: usize,
    activation: Activation,
    statistics: &'a mut [Statistics],
    out: &'a mut [f32],
}

impl NullaryFnOnce for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let row = self.gamma.len();
        measure(self.x, self.channels, self.statistics, row);
        let (mean, inverse) = spread(self.statistics, self.channels, row);
        for (out, x) in self.out.chunks_mut(row).zip(self.x.chunks(row)) {
            let (gamma, beta) = (self.gamma, self.beta);
            match self.activation {
                Activation::Identity => {
                    normalise::<Identity>(out, x, &mean, &inverse, gamma, beta);
                }
                Activation::Mish => normalise::<Mish>(out, x, &mean, &inverse, gamma, beta),
                Activation::Relu => normalise::<Relu>(out, x, &mean, &inverse, gamma, beta),
            }
        }
    }
}

/// One sample's backward pass; gamma and beta are one row long, `sums` are the gradients of beta's
/// channels, then of gamma's.
struct Backward<'a> {
    x: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
    channels: usize,
    activation: Activation,
    statistics: &'a [Statistics],
    sums: &'a mut [f32],
    /// Of the output on the way in, of x on the way out.
    gradient: &'a mut [f32],
}

impl NullaryFnOnce for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let row = self.gamma.len();
        let (mean, inverse) = spread(self.statistics, self.channels, row);
        let mut total = vec![0.0; row];
        let mut along = vec![0.0; row];
        for (gradient, x) in self.gradient.chunks_mut(row).zip(self.x.chunks(row)) {
            let affine = (self.gamma, self.beta);
            let sums = (&mut total[..], &mut along[..]);
            match self.activation {
                Activation::Identity => {
                    chain::<Identity>(gradient, x, &mean, &inverse, affine, sums);
                }
                Activation::Mish => chain::<Mish>(gradient, x, &mean, &inverse, affine, sums),
                Activation::Relu => chain::<Relu>(gradient, x, &mean, &inverse, affine, sums),
            }
        }
        let (beta_sums, gamma_sums) = self.sums.split_at_mut(self.channels);
        fold(&total, beta_sums);
        fold(&along, gamma_sums);
        let gamma = &self.gamma[..self.channels];
        let (slant, lift) =
            corrections(self.x.len(), gamma, self.statistics, beta_sums, gamma_sums);
        let (slant, lift) = (repeated(&slant, row), repeated(&lift, row));
        for (dx, x) in self.gradient.chunks_mut(row).zip(self.x.chunks(row)) {
            correct(dx, x, &inverse, self.gamma, &slant, &lift);
        }
    }
}

/// A whole number of positions, at least [`ROW`] numbers.
fn row_length(channels: usize) -> usize {
    channels * ROW.div_ceil(channels.max(1)).max(1)
}

/// Values of each channel, over and over.
fn repeated(channels: &[f32], row: usize) -> Vec<f32> {
    channels.iter().copied().cycle().take(row).collect()
}

/// Means and inverse deviations of the groups, at each number of a row.
fn spread(statistics: &[Statistics], channels: usize, row: usize) -> (Vec<f32>, Vec<f32>) {
    let size = channels / statistics.len();
    (0..row)
        .map(|i| statistics[i % channels / size].into())
        .unzip()
}

/// Sums of a row's positions, onto the channels.
fn fold(row: &[f32], channels: &mut [f32]) {
    for part in row.chunks(channels.len()) {
        channels.iter_mut().zip(part).for_each(|(c, v)| *c += v);
    }
}

/// Mean, then the spread around it.
#[inline(always)]
fn measure(x: &[f32], channels: usize, statistics: &mut [Statistics], row: usize) {
    let count = (x.len() / statistics.len()) as f64;
    let size = channels / statistics.len();
    let mut sums = vec![0.0f32; row];
    for x in x.chunks(row) {
        add(&mut sums, x);
    }
    let group = |i: usize| i % channels / size;
    let mut totals = vec![0.0f64; statistics.len()];
    for (i, &sum) in sums.iter().enumerate() {
        totals[group(i)] += f64::from(sum);
    }
    for (moment, total) in statistics.iter_mut().zip(&totals) {
        moment[0] = (total / count) as f32;
    }
    let means: Vec<f32> = (0..row).map(|i| statistics[group(i)][0]).collect();
    sums.fill(0.0);
    for x in x.chunks(row) {
        add_squares(&mut sums, x, &means);
    }
    totals.fill(0.0);
    for (i, &sum) in sums.iter().enumerate() {
        totals[group(i)] += f64::from(sum);
    }
    for (moment, total) in statistics.iter_mut().zip(&totals) {
        moment[1] = (1.0 / (total / count + EPSILON).sqrt()) as f32;
    }
}

#[inline(always)]
fn add(sums: &mut [f32], x: &[f32]) {
    sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
}

#[inline(always)]
fn add_squares(sums: &mut [f32], x: &[f32], means: &[f32]) {
    for ((sum, x), mean) in sums.iter_mut().zip(x).zip(means) {
        *sum += (x - mean) * (x - mean);
    }
}

#[inline(always)]
fn normalise<C: ActivationFunction>(
    out: &mut [f32],
    x: &[f32],
    mean: &[f32],
    inverse: &[f32],
    gamma: &[f32],
    beta: &[f32],
) {
    let wide = mean.iter().zip(inverse).zip(gamma.iter().zip(beta));
    for ((out, x), ((mean, inverse), (gamma, beta))) in out.iter_mut().zip(x).zip(wide) {
        let z = (x - mean) * inverse * gamma + beta;
        *out = C::value(z);
    }
}

/// Turns the gradient into that of the affine map's output; adds it, and it times the normalised x,
/// to the sums.
#[inline(always)]
fn chain<C: ActivationFunction>(
    gradient: &mut [f32],
    x: &[f32],
    mean: &[f32],
    inverse: &[f32],
    (gamma, beta): (&[f32], &[f32]),
    (total, along): (&mut [f32], &mut [f32]),
) {
    let wide = mean.iter().zip(inverse).zip(gamma.iter().zip(beta));
    let sums = total.iter_mut().zip(along);
    let numbers = gradient.iter_mut().zip(x);
    for ((gradient, x), (((mean, inverse), (gamma, beta)), (total, along))) in
        numbers.zip(wide.zip(sums))
    {
        let normal = (x - mean) * inverse;
        *gradient *= C::derivative(normal * gamma + beta);
        *total += *gradient;
        *along += *gradient * normal;
    }
}

/// With n the numbers of a group and m1, m2 the means over it of `dy gamma` and `dy gamma normal`,
/// `dx = inverse (dy gamma - m1 - normal m2)`; as normal is `(x - mean) inverse`, that is
/// `dy gamma inverse + x slant + lift`.
fn corrections(
    sample: usize,
    gamma: &[f32],
    statistics: &[Statistics],
    beta_sums: &[f32],
    gamma_sums: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let size = gamma.len() / statistics.len();
    let count = (sample / statistics.len()) as f32;
    let mut slant = Vec::with_capacity(gamma.len());
    let mut lift = Vec::with_capacity(gamma.len());
    for (group, &[mean, inverse]) in statistics.iter().enumerate() {
        let channels = group * size..(group + 1) * size;
        let gamma = &gamma[channels.clone()];
        let average =
            |sums: &[f32]| gamma.iter().zip(sums).map(|(g, s)| g * s).sum::<f32>() / count;
        let m1 = average(&beta_sums[channels.clone()]);
        let m2 = average(&gamma_sums[channels]);
        for _ in 0..size {
            slant.push(-inverse * inverse * m2);
            lift.push(inverse * (mean * inverse * m2 - m1));
        }
    }
    (slant, lift)
}

#[inline(always)]
fn correct(dx: &mut [f32], x: &[f32], inverse: &[f32], gamma: &[f32], slant: &[f32], lift: &[f32]) {
    let wide = inverse.iter().zip(gamma).zip(slant.iter().zip(lift));
    for ((dx, x), ((inverse, gamma), (slant, lift))) in dx.iter_mut().zip(x).zip(wide) {
        *dx = *dx * (gamma * inverse) + x * slant + lift;
    }
}
