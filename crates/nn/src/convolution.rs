//! Convolutions in channels-last layout, each as one matrix product over gathered neighbourhoods.

use crate::linear::uniform;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand::Rng;

/// Sizes of a 2-D convolution with a square kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dConfig {
    /// Channels in.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// Height and width of the kernel.
    pub kernel: usize,
    /// Step between outputs.
    pub stride: usize,
    /// Zeros added on each side.
    pub padding: usize,
}

/// 2-D convolution, weights [kernel * kernel * in, out].
#[derive(Module, Debug)]
pub struct Conv2d {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl Conv2d {
    /// Weights drawn from `rng` as PyTorch does (uniform within 1 / sqrt(kernel^2 in)).
    pub fn new(config: Conv2dConfig, rng: &mut impl Rng, device: &Device) -> Self {
        let fan = config.kernel * config.kernel * config.in_channels;
        let bound = 1.0 / (fan.max(1) as f32).sqrt();
        Self {
            weight: uniform([fan, config.out_channels], bound, rng, device),
            bias: uniform([config.out_channels], bound, rng, device),
            kernel: config.kernel,
            stride: config.stride,
            padding: config.padding,
        }
    }

    /// [B, H, W, in] to [B, H', W', out].
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [b, h, w, c] = x.dims();
        let (k, s, p) = (self.kernel, self.stride, self.padding);
        let (oh, ow) = ((h + 2 * p - k) / s + 1, (w + 2 * p - k) / s + 1);
        let x = pad(pad(x, 1, p), 2, p);
        let mut parts = Vec::with_capacity(k * k);
        for i in 0..k {
            for j in 0..k {
                let rows = strided(x.clone(), 1, i, oh, s);
                parts.push(strided(rows, 2, j, ow, s));
            }
        }
        let gathered = Tensor::cat(parts, 3).reshape([b * oh * ow, k * k * c]);
        let out = gathered.matmul(self.weight.val()) + self.bias.val().unsqueeze_dim(0);
        let channels = out.dims()[1];
        out.reshape([b, oh, ow, channels])
    }
}

/// 1-D convolution, weights [kernel * in, out].
#[derive(Module, Debug)]
pub struct Conv1d {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl Conv1d {
    /// Weights drawn from `rng` as PyTorch does.
    pub fn new(
        input: usize,
        output: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Self {
        let bound = 1.0 / ((kernel * input).max(1) as f32).sqrt();
        Self {
            weight: uniform([kernel * input, output], bound, rng, device),
            bias: uniform([output], bound, rng, device),
            kernel,
            stride,
            padding,
        }
    }

    /// [B, L, in] to [B, L', out].
    #[must_use]
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [b, l, c] = x.dims();
        let (k, s) = (self.kernel, self.stride);
        let length = (l + 2 * self.padding - k) / s + 1;
        let x = pad(x, 1, self.padding);
        let parts = (0..k)
            .map(|i| strided(x.clone(), 1, i, length, s))
            .collect();
        let gathered: Tensor<2> = Tensor::cat(parts, 2).reshape([b * length, k * c]);
        let out = gathered.matmul(self.weight.val()) + self.bias.val().unsqueeze_dim(0);
        let channels = out.dims()[1];
        out.reshape([b, length, channels])
    }
}

/// Transposed 1-D convolution with kernel 4, stride 2, padding 1: doubles the length.
#[derive(Module, Debug)]
pub struct ConvTranspose1d {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl ConvTranspose1d {
    /// Weights [in, 4 * out] drawn from `rng` as PyTorch does.
    pub fn new(input: usize, output: usize, rng: &mut impl Rng, device: &Device) -> Self {
        let bound = 1.0 / ((4 * output).max(1) as f32).sqrt();
        Self {
            weight: uniform([input, 4 * output], bound, rng, device),
            bias: uniform([output], bound, rng, device),
        }
    }

    /// [B, L, in] to [B, 2 L, out].
    #[must_use]
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [b, l, c] = x.dims();
        let out = self.bias.dims()[0];
        let spread = x
            .reshape([b * l, c])
            .matmul(self.weight.val())
            .reshape([b, l, 4 * out]);
        // Input i reaches outputs 2i - 1 + k: an even output 2i takes tap 1 of i and tap 3 of i - 1,
        // an odd one 2i + 1 takes tap 2 of i and tap 0 of i + 1.
        let tap = |k: usize| spread.clone().slice([0..b, 0..l, k * out..(k + 1) * out]);
        let later = pad_side(tap(3), 1, 1, 0).slice([0..b, 0..l, 0..out]);
        let sooner = pad_side(tap(0), 1, 0, 1).slice([0..b, 1..l + 1, 0..out]);
        let even = tap(1) + later;
        let odd = tap(2) + sooner;
        let both: Tensor<4> = Tensor::stack(vec![even, odd], 2);
        both.reshape([b, 2 * l, out]) + self.bias.val().reshape([1, 1, out])
    }
}

/// Zeros on both sides of a dimension.
fn pad<const D: usize>(x: Tensor<D>, dim: usize, size: usize) -> Tensor<D> {
    pad_side(x, dim, size, size)
}

fn pad_side<const D: usize>(x: Tensor<D>, dim: usize, before: usize, after: usize) -> Tensor<D> {
    if before + after == 0 {
        return x;
    }
    let zeros = |size: usize| {
        let mut shape = x.dims();
        shape[dim] = size;
        Tensor::<D>::zeros(shape, &x.device())
    };
    let mut parts = Vec::new();
    if before > 0 {
        parts.push(zeros(before));
    }
    parts.push(x.clone());
    if after > 0 {
        parts.push(zeros(after));
    }
    Tensor::cat(parts, dim)
}

/// `count` entries of a dimension, from `start`, every `stride`.
fn strided<const D: usize>(
    x: Tensor<D>,
    dim: usize,
    start: usize,
    count: usize,
    stride: usize,
) -> Tensor<D> {
    let end = start + (count - 1) * stride + 1;
    let slice = burn::tensor::Slice::new(start as isize, Some(end as isize), stride as isize);
    x.slice_dim(dim, slice)
}
