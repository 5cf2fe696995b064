//! Depthwise convolution with bias and ReLU6, channels-last, forward only.
//!
//! Each channel is filtered by itself, so there is no matrix product to lean on and burn's
//! grouped convolution is many times slower than the arithmetic needs on a CPU. The kernel here
//! walks the picture once, keeps a group of channels in vector registers over all taps, and
//! applies the *previous* convolution's bias and ReLU6 on the way in, which saves a pass over the
//! widest tensor of the block.

use crate::{WeightsError, architecture::SamePadding, convolution::is_host};
use burn::{
    prelude::*,
    tensor::{TensorData, module::conv2d, ops::ConvOptions},
};
use rayon::prelude::*;
use std::sync::Arc;

/// Channels held in registers together: two 256-bit vectors of 32-bit floats, four chains deep.
const LANES: usize = 16;

/// A frozen depthwise convolution followed by ReLU6.
#[derive(Clone, Debug)]
pub struct Depthwise {
    kernel: usize,
    stride: usize,
    channels: usize,
    /// [kernel * kernel, channels].
    taps: Arc<[f32]>,
    /// [channels].
    bias: Arc<[f32]>,
    /// The same for devices other than the host: [channels, 1, kernel, kernel] and [channels].
    on_device: Option<(Tensor<4>, Tensor<1>)>,
}

impl Depthwise {
    /// From PyTorch's layout: `weight` [channels, 1, kernel, kernel], `bias` [channels].
    #[must_use]
    pub fn new(weight: &[f32], bias: &[f32], kernel: usize, stride: usize, to: &Device) -> Self {
        let channels = bias.len();
        let area = kernel * kernel;
        let taps = (0..area * channels)
            .map(|i| weight[(i % channels) * area + i / channels])
            .collect();
        let on_device = (!is_host(to)).then(|| {
            let weight = TensorData::new(weight.to_vec(), [channels, 1, kernel, kernel]);
            let bias = TensorData::new(bias.to_vec(), [channels]);
            (Tensor::from_data(weight, to), Tensor::from_data(bias, to))
        });
        Self {
            kernel,
            stride,
            channels,
            taps,
            bias: bias.into(),
            on_device,
        }
    }

    /// `images` [B, H, W, C] to [B, ceil(H / stride), ceil(W / stride), C], values in 0..=6.
    ///
    /// With `pending`, the input still lacks that bias [C] and its ReLU6; both are applied first.
    ///
    /// # Errors
    /// When the device cannot give the input back.
    pub fn forward(
        &self,
        images: Tensor<4>,
        pending: Option<&[f32]>,
    ) -> Result<Tensor<4>, WeightsError> {
        match &self.on_device {
            Some((weight, bias)) => {
                let device = images.device();
                let images = match pending {
                    Some(add) => {
                        let add = TensorData::new(add.to_vec(), [1, 1, 1, self.channels]);
                        (images + Tensor::from_data(add, &device)).clamp(0.0, 6.0)
                    }
                    None => images,
                };
                Ok(self.forward_grouped(images, weight.clone(), bias.clone()))
            }
            None => self.forward_host(images, pending),
        }
    }

    /// burn's grouped convolution, for devices where leaving the device would cost more.
    fn forward_grouped(&self, images: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>) -> Tensor<4> {
        let [_, height, width, _] = images.dims();
        let rows = SamePadding::new(height, self.kernel, self.stride);
        let columns = SamePadding::new(width, self.kernel, self.stride);
        let padded = images.permute([0, 3, 1, 2]).pad(
            (columns.before, columns.after, rows.before, rows.after),
            0.0,
        );
        let options = ConvOptions::new([self.stride, self.stride], [0, 0], [1, 1], self.channels);
        conv2d(padded, weight, Some(bias), options)
            .clamp(0.0, 6.0)
            .permute([0, 2, 3, 1])
    }

    fn forward_host(
        &self,
        images: Tensor<4>,
        pending: Option<&[f32]>,
    ) -> Result<Tensor<4>, WeightsError> {
        let [batch, height, width, channels] = images.dims();
        let device = images.device();
        let frame = Frame {
            rows: SamePadding::new(height, self.kernel, self.stride),
            columns: SamePadding::new(width, self.kernel, self.stride),
            height,
            width,
        };
        let out_len = frame.rows.output * frame.columns.output * channels;
        let mut data = images
            .try_into_data_as::<f32>()
            .map_err(|error| WeightsError::Device(error.to_string()))?;
        let input = data
            .as_mut_slice::<f32>()
            .map_err(|error| WeightsError::Device(error.to_string()))?;
        let mut output = vec![0.0f32; batch * out_len];
        input
            .par_chunks_exact_mut(height * width * channels)
            .zip(output.par_chunks_exact_mut(out_len))
            .for_each(|(image, out)| {
                pulp::Arch::new().dispatch(
                    #[inline(always)]
                    || {
                        if let Some(bias) = pending {
                            add_and_relu6(image, bias);
                        }
                        match self.kernel {
                            3 => self.filter::<3>(image, out, &frame),
                            _ => self.filter::<5>(image, out, &frame),
                        }
                    },
                );
            });
        let shape = [batch, frame.rows.output, frame.columns.output, channels];
        Ok(Tensor::from_data(TensorData::new(output, shape), &device))
    }

    /// One picture [H, W, C] to [OH, OW, C].
    #[inline(always)]
    fn filter<const K: usize>(&self, image: &[f32], out: &mut [f32], frame: &Frame) {
        let channels = self.channels;
        for (at, pixel) in out.chunks_exact_mut(channels).enumerate() {
            let (y, x) = (at / frame.columns.output, at % frame.columns.output);
            let top = (y * self.stride) as isize - frame.rows.before as isize;
            let left = (x * self.stride) as isize - frame.columns.before as isize;
            // Taps outside the picture meet zeros, so they are left out.
            let inside = |start: isize, size: usize| {
                let first = (-start).clamp(0, K as isize) as usize;
                let end = (size as isize - start).clamp(0, K as isize) as usize;
                (first, end)
            };
            let (first_row, end_row) = inside(top, frame.height);
            let (first_column, end_column) = inside(left, frame.width);
            let mut start = 0;
            while start < channels {
                let lanes = LANES.min(channels - start);
                let mut sum = [0.0f32; LANES];
                sum[..lanes].copy_from_slice(&self.bias[start..start + lanes]);
                for row in first_row..end_row {
                    for column in first_column..end_column {
                        let y = (top + row as isize) as usize;
                        let x = (left + column as isize) as usize;
                        let from = (y * frame.width + x) * channels + start;
                        let tap = (row * K + column) * channels + start;
                        accumulate(&mut sum, &image[from..], &self.taps[tap..], lanes);
                    }
                }
                for (value, total) in pixel[start..start + lanes].iter_mut().zip(sum) {
                    *value = total.clamp(0.0, 6.0);
                }
                start += lanes;
            }
        }
    }
}

/// Where one picture is cut.
struct Frame {
    rows: SamePadding,
    columns: SamePadding,
    height: usize,
    width: usize,
}

/// `sum += values * taps`; a full group takes the path the compiler turns into vectors.
#[inline(always)]
fn accumulate(sum: &mut [f32; LANES], values: &[f32], taps: &[f32], lanes: usize) {
    if lanes == LANES {
        for ((total, value), tap) in sum.iter_mut().zip(&values[..LANES]).zip(&taps[..LANES]) {
            *total += value * tap;
        }
    } else {
        for ((total, value), tap) in sum.iter_mut().zip(&values[..lanes]).zip(&taps[..lanes]) {
            *total += value * tap;
        }
    }
}

/// `values` [.., C] becomes `min(max(values + bias, 0), 6)`.
#[inline(always)]
pub(crate) fn add_and_relu6(values: &mut [f32], bias: &[f32]) {
    for pixel in values.chunks_exact_mut(bias.len()) {
        for (value, add) in pixel.iter_mut().zip(bias) {
            *value = (*value + add).clamp(0.0, 6.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_core::Seed;
    use rand::Rng as _;

    #[test]
    fn the_host_kernel_equals_burns_grouped_convolution() {
        let device = Device::flex();
        let mut rng = Seed(3).derive("depthwise", 0).rng();
        // Odd and even sizes, a channel count that fills no whole group, both kernels and strides.
        for (kernel, stride, height, width, channels) in [
            (3, 1, 7, 5, 16),
            (3, 2, 8, 9, 40),
            (5, 1, 6, 6, 24),
            (5, 2, 9, 4, 7),
        ] {
            let mut draw =
                |n: usize| -> Vec<f32> { (0..n).map(|_| rng.random_range(-1.0..1.0)).collect() };
            let (weight, bias) = (draw(channels * kernel * kernel), draw(channels));
            let pending = draw(channels);
            let images = TensorData::new(
                draw(2 * height * width * channels),
                [2, height, width, channels],
            );
            let images = Tensor::<4>::from_data(images, &device);
            let mut conv = Depthwise::new(&weight, &bias, kernel, stride, &device);
            let host = conv.forward(images.clone(), Some(&pending)).unwrap();
            conv.on_device = Some((
                Tensor::from_data(
                    TensorData::new(weight, [channels, 1, kernel, kernel]),
                    &device,
                ),
                Tensor::from_data(TensorData::new(bias, [channels]), &device),
            ));
            let grouped = conv.forward(images, Some(&pending)).unwrap();
            assert_eq!(host.dims(), grouped.dims());
            let worst: f32 = (host - grouped).abs().max().into_scalar();
            assert!(worst < 1e-5, "kernel {kernel} stride {stride}: {worst}");
        }
    }
}
