//! The dense convolutions of the network, each as one matrix product.

use crate::{
    NamedTensors, WeightsError,
    architecture::{BATCH_NORM_EPSILON, SamePadding},
};
use burn::{backend::DispatchDevice, prelude::*, tensor::TensorData};
use std::sync::Arc;

/// Whether tensors on `device` lie in host memory, so that a kernel may read them in place.
#[must_use]
pub fn is_host(device: &Device) -> bool {
    // Which variants exist depends on the features burn was built with.
    #[allow(unreachable_patterns, clippy::match_wildcard_for_single_variants)]
    match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        _ => false,
    }
}

/// A convolution's weight with the batch normalisation after it folded in.
#[derive(Clone, Debug)]
pub struct Folded {
    /// PyTorch's layout, [output, input, kernel, kernel].
    pub weight: Vec<f32>,
    /// [output].
    pub bias: Vec<f32>,
}

impl Folded {
    /// Reads `{convolution}.weight` of `shape` and the four tensors of `{norm}`.
    ///
    /// # Errors
    /// When one of the five tensors is missing, misshapen or not finite.
    pub fn read(
        tensors: &NamedTensors,
        convolution: &str,
        norm: &str,
        shape: [usize; 4],
    ) -> Result<Self, WeightsError> {
        let weight = tensors.get(&format!("{convolution}.weight"), &shape)?;
        let channel = |what: &str| tensors.get(&format!("{norm}.{what}"), &shape[..1]);
        let (gamma, beta) = (channel("weight")?, channel("bias")?);
        let (mean, variance) = (channel("running_mean")?, channel("running_var")?);
        let fan_in = shape[1..].iter().product();
        let mut folded = Self {
            weight: Vec::with_capacity(weight.len()),
            bias: Vec::with_capacity(shape[0]),
        };
        for (output, filter) in weight.chunks_exact(fan_in).enumerate() {
            let deviation = (f64::from(variance[output]) + BATCH_NORM_EPSILON).sqrt();
            let scale = f64::from(gamma[output]) / deviation;
            let shift = f64::from(beta[output]) - f64::from(mean[output]) * scale;
            folded
                .weight
                .extend(filter.iter().map(|w| (f64::from(*w) * scale) as f32));
            folded.bias.push(shift as f32);
        }
        Ok(folded)
    }
}

/// A frozen 1x1 convolution: [.., input] times [input, output], plus bias [output].
#[derive(Clone, Debug)]
pub struct Pointwise {
    weight: Tensor<2>,
    bias: Tensor<2>,
    /// The bias again in host memory, for the kernel that adds it on its way.
    pub(crate) host_bias: Arc<[f32]>,
}

impl Pointwise {
    /// From PyTorch's [output, input] layout.
    #[must_use]
    pub fn new(weight: &[f32], bias: &[f32], device: &Device) -> Self {
        let (outputs, inputs) = (bias.len(), weight.len() / bias.len());
        let transposed: Vec<f32> = (0..weight.len())
            .map(|i| weight[(i % outputs) * inputs + i / outputs])
            .collect();
        Self {
            weight: Tensor::from_data(TensorData::new(transposed, [inputs, outputs]), device),
            bias: Tensor::from_data(TensorData::new(bias.to_vec(), [1, outputs]), device),
            host_bias: bias.into(),
        }
    }

    /// The product alone, [N, input] to [N, output].
    #[must_use]
    pub fn product(&self, rows: Tensor<2>) -> Tensor<2> {
        rows.matmul(self.weight.clone())
    }

    /// The product and the bias, [N, input] to [N, output].
    #[must_use]
    pub fn forward(&self, rows: Tensor<2>) -> Tensor<2> {
        self.product(rows) + self.bias.clone()
    }

    /// The product over the last axis of a picture, [B, H, W, input] to [B, H, W, output].
    #[must_use]
    pub fn product_of_images(&self, images: Tensor<4>) -> Tensor<4> {
        let [batch, height, width, inputs] = images.dims();
        let rows = images.reshape([batch * height * width, inputs]);
        let outputs = self.host_bias.len();
        self.product(rows).reshape([batch, height, width, outputs])
    }

    /// The product over the last axis of a picture and the bias.
    #[must_use]
    pub fn forward_images(&self, images: Tensor<4>) -> Tensor<4> {
        let [batch, height, width, inputs] = images.dims();
        let rows = images.reshape([batch * height * width, inputs]);
        let outputs = self.host_bias.len();
        self.forward(rows).reshape([batch, height, width, outputs])
    }
}

/// A frozen square convolution over all channels, 'SAME' padding, as one product of patches.
#[derive(Clone, Debug)]
pub struct Patches {
    kernel: usize,
    stride: usize,
    product: Pointwise,
}

impl Patches {
    /// From PyTorch's [output, input, kernel, kernel] layout.
    #[must_use]
    pub fn new(folded: &Folded, kernel: usize, stride: usize, device: &Device) -> Self {
        let outputs = folded.bias.len();
        let area = kernel * kernel;
        let inputs = folded.weight.len() / (outputs * area);
        // Patches are gathered tap by tap, each with all its channels.
        let weight: Vec<f32> = (0..folded.weight.len())
            .map(|i| {
                let (output, rest) = (i / (area * inputs), i % (area * inputs));
                let (tap, input) = (rest / inputs, rest % inputs);
                folded.weight[(output * inputs + input) * area + tap]
            })
            .collect();
        Self {
            kernel,
            stride,
            product: Pointwise::new(&weight, &folded.bias, device),
        }
    }

    /// [B, H, W, input] to ReLU6 of [B, ceil(H / stride), ceil(W / stride), output].
    #[must_use]
    pub fn forward_relu6(&self, images: Tensor<4>) -> Tensor<4> {
        let [batch, height, width, inputs] = images.dims();
        let rows = SamePadding::new(height, self.kernel, self.stride);
        let columns = SamePadding::new(width, self.kernel, self.stride);
        let device = images.device();
        let zeros = |h: usize, w: usize| Tensor::<4>::zeros([batch, h, w, inputs], &device);
        // One pixel more than the last tap reaches, so that a strided slice is never short.
        let (high, wide) = (
            rows.output * self.stride + self.kernel,
            columns.output * self.stride + self.kernel,
        );
        let padded = zeros(high, wide).slice_assign(
            [
                0..batch,
                rows.before..rows.before + height,
                columns.before..columns.before + width,
                0..inputs,
            ],
            images,
        );
        let step = self.stride as i32;
        let taps = (0..self.kernel * self.kernel)
            .map(|tap| {
                let (y, x) = (tap / self.kernel, tap % self.kernel);
                padded.clone().slice(s![
                    ..,
                    y as i32..(y + rows.output * self.stride) as i32;step,
                    x as i32..(x + columns.output * self.stride) as i32;step,
                    ..
                ])
            })
            .collect();
        self.product
            .forward_images(Tensor::cat(taps, 3))
            .clamp(0.0, 6.0)
    }
}
