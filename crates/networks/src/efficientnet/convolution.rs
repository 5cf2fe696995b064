//! The dense convolutions of the network, each as one matrix product.

use super::architecture::{BATCH_NORM_EPSILON, SamePadding};
use crate::error::WeightsError;
use crate::named_tensors::NamedTensors;
use apprentice_kernels::{ShapeError, is_cpu, require};
use burn::{prelude::*, tensor::TensorData};
use rayon::prelude::*;
use std::sync::Arc;

/// A convolution's weight with the batch normalisation after it folded in.
#[derive(Clone, Debug)]
pub struct FoldedConv {
    /// PyTorch's layout, [output, input, kernel, kernel].
    pub weight: Vec<f32>,
    /// `[output]`.
    pub bias: Vec<f32>,
}

impl FoldedConv {
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

/// A frozen 1x1 convolution: `[.., input]` times `[input, output]`, plus bias `[output]`.
#[derive(Clone, Debug)]
pub struct Pointwise {
    weight: Tensor<2>,
    bias: Tensor<2>,
    /// The bias again in host memory, for the kernel that adds it on its way.
    pub(crate) host_bias: Arc<[f32]>,
}

impl Pointwise {
    /// From PyTorch's [output, input] layout.
    ///
    /// # Panics
    /// When there is no bias, or the weights are not a row for each of its numbers.
    #[must_use]
    pub fn new(weight: &[f32], bias: &[f32], device: &Device) -> Self {
        require(check_weights("Pointwise", weight.len(), bias.len(), 1));
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

    /// Channels in.
    fn inputs(&self) -> usize {
        self.weight.dims()[0]
    }

    /// The product alone, [N, input] to [N, output].
    ///
    /// # Panics
    /// When there are not as many numbers in a row.
    #[must_use]
    pub fn product(&self, rows: Tensor<2>) -> Tensor<2> {
        let (given, wanted) = (rows.dims()[1], self.inputs());
        require(ShapeError::unless(
            given == wanted,
            "Pointwise",
            "channels of x",
            given,
            wanted,
        ));
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

/// Weights of as many numbers for each output, a multiple of the kernel's places.
fn check_weights(
    layer: &'static str,
    weights: usize,
    outputs: usize,
    area: usize,
) -> Result<(), ShapeError> {
    ShapeError::unless(outputs > 0, layer, "channels out", outputs, "1 or more")?;
    ShapeError::unless(area > 0, layer, "kernel", area, "1 or more places")?;
    ShapeError::unless(
        weights > 0 && weights.is_multiple_of(outputs * area),
        layer,
        "number of weights",
        weights,
        format_args!("a multiple of {outputs} channels out times {area} places, 1 or more"),
    )
}

/// A frozen square convolution over all channels, 'SAME' padding, as one product of patches.
#[derive(Clone, Debug)]
pub struct Im2colConv {
    kernel: usize,
    stride: usize,
    product: Pointwise,
}

impl Im2colConv {
    /// From PyTorch's [output, input, kernel, kernel] layout.
    ///
    /// # Panics
    /// When kernel or stride is zero, there is no bias, or the weights are not of such a kernel.
    #[must_use]
    pub fn new(folded: &FoldedConv, kernel: usize, stride: usize, device: &Device) -> Self {
        let (area, outputs) = (kernel * kernel, folded.bias.len());
        require(check_weights(
            "Im2colConv",
            folded.weight.len(),
            outputs,
            area,
        ));
        require(ShapeError::unless(
            stride > 0,
            "Im2colConv",
            "stride",
            stride,
            "1 or more",
        ));
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

    /// [B, H, W, input] to [B, ceil(H / stride), ceil(W / stride), output], the bias not added.
    ///
    /// # Errors
    /// When the device cannot give the input back.
    ///
    /// # Panics
    /// When the images have other channels than the layer was made for, or no pixel.
    pub fn product_of_images(&self, images: Tensor<4>) -> Result<Tensor<4>, WeightsError> {
        require(self.check(images.dims()));
        let patches = if is_cpu(&images.device()) {
            self.im2col_host(images)?
        } else {
            self.im2col(images)
        };
        Ok(self.product.product_of_images(patches))
    }

    fn check(&self, [_, height, width, channels]: [usize; 4]) -> Result<(), ShapeError> {
        let wanted = self.product.inputs() / (self.kernel * self.kernel);
        ShapeError::unless(
            channels == wanted,
            "Im2colConv",
            "channels of x",
            channels,
            wanted,
        )?;
        let pixels = height * width;
        ShapeError::unless(pixels > 0, "Im2colConv", "pixels of x", pixels, "1 or more")
    }

    /// The bias that is still to be added, `[output]`.
    #[must_use]
    pub fn bias(&self) -> &[f32] {
        &self.product.host_bias
    }

    /// Patches [B, OH, OW, kernel * kernel * input] by strided slices, on any device.
    fn im2col(&self, images: Tensor<4>) -> Tensor<4> {
        let [batch, height, width, inputs] = images.dims();
        let rows = SamePadding::new(height, self.kernel, self.stride);
        let columns = SamePadding::new(width, self.kernel, self.stride);
        let device = images.device();
        // Wide enough that a strided slice from the last tap is never short.
        let high = rows.output * self.stride + self.kernel;
        let wide = columns.output * self.stride + self.kernel;
        let padded = Tensor::<4>::zeros([batch, high, wide, inputs], &device).slice_assign(
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
        Tensor::cat(taps, 3)
    }

    /// The same patches by copying: in channels-last order a patch's row lies in one piece.
    fn im2col_host(&self, images: Tensor<4>) -> Result<Tensor<4>, WeightsError> {
        let [batch, height, width, inputs] = images.dims();
        let device = images.device();
        let rows = SamePadding::new(height, self.kernel, self.stride);
        let columns = SamePadding::new(width, self.kernel, self.stride);
        let data = images
            .try_into_data_as::<f32>()
            .map_err(|error| WeightsError::Device(error.to_string()))?;
        let input = data
            .as_slice::<f32>()
            .map_err(|error| WeightsError::Device(error.to_string()))?;
        let across = self.kernel * inputs;
        let patch_len = self.kernel * across;
        let mut patches = vec![0.0f32; batch * rows.output * columns.output * patch_len];
        patches
            .par_chunks_exact_mut(columns.output * patch_len)
            .enumerate()
            .for_each(|(at, out)| {
                let (image, y) = (at / rows.output, at % rows.output);
                for (x, patch) in out.chunks_exact_mut(patch_len).enumerate() {
                    let from = x * self.stride;
                    let first = columns.before.saturating_sub(from);
                    let end = self.kernel.min(width + columns.before - from);
                    for row in 0..self.kernel {
                        let down = y * self.stride + row;
                        if down < rows.before || down >= rows.before + height {
                            continue;
                        }
                        let line = image * height + down - rows.before;
                        let source = (line * width + from + first - columns.before) * inputs;
                        let (start, stop) = (first * inputs, end * inputs);
                        patch[row * across + start..row * across + stop]
                            .copy_from_slice(&input[source..source + stop - start]);
                    }
                }
            });
        let shape = [batch, rows.output, columns.output, patch_len];
        Ok(Tensor::from_data(TensorData::new(patches, shape), &device))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_sizes_are_refused() {
        let refused = |checked: Result<(), ShapeError>, told: &str| {
            let error = checked.unwrap_err().to_string();
            assert!(error.contains(told), "{error} lacks {told}");
        };
        refused(
            check_weights("Im2colConv", 0, 2, 9),
            "number of weights is 0",
        );
        refused(
            check_weights("Im2colConv", 28, 2, 9),
            "is 28, allowed: a multiple of 2 channels out",
        );
        refused(check_weights("Im2colConv", 9, 0, 9), "channels out is 0");
        refused(check_weights("Im2colConv", 9, 1, 0), "kernel is 0");
        let folded = FoldedConv {
            weight: vec![0.0; 27],
            bias: vec![0.0],
        };
        let layer = Im2colConv::new(&folded, 3, 2, &Device::flex());
        assert_eq!(layer.check([1, 4, 4, 3]), Ok(()));
        refused(layer.check([1, 4, 4, 2]), "channels of x is 2, allowed: 3");
        refused(layer.check([1, 4, 0, 3]), "pixels of x is 0");
    }

    #[test]
    #[should_panic(expected = "Im2colConv: channels of x is 4, allowed: 3")]
    fn patches_of_wrong_channels_are_refused() {
        let folded = FoldedConv {
            weight: vec![0.0; 27],
            bias: vec![0.0],
        };
        let layer = Im2colConv::new(&folded, 3, 2, &Device::flex());
        let _ = layer.product_of_images(Tensor::zeros([1, 4, 4, 4], &Device::flex()));
    }

    #[test]
    #[should_panic(expected = "Pointwise: channels of x is 3, allowed: 2")]
    fn products_of_wrong_channels_are_refused() {
        let layer = Pointwise::new(&[0.0; 4], &[0.0; 2], &Device::flex());
        let _ = layer.product(Tensor::zeros([5, 3], &Device::flex()));
    }

    #[test]
    fn copied_patches_equal_sliced_ones() {
        let device = Device::flex();
        for (height, width, stride) in [(6, 9, 2), (7, 5, 1), (5, 4, 2)] {
            let count = 2 * height * width * 3;
            let values: Vec<f32> = (1..=count).map(|v| v as f32).collect();
            let images = Tensor::from_data(TensorData::new(values, [2, height, width, 3]), &device);
            let folded = FoldedConv {
                weight: vec![0.0; 27],
                bias: vec![0.0],
            };
            let conv = Im2colConv::new(&folded, 3, stride, &device);
            let copied = conv.im2col_host(images.clone()).unwrap();
            let sliced = conv.im2col(images);
            assert_eq!(
                copied.to_data(),
                sliced.to_data(),
                "{height} {width} {stride}"
            );
        }
    }
}
