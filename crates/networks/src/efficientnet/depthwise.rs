//! Depthwise convolution with bias and ReLU6, channels-last, forward only.
//!
//! Each channel is filtered by itself, so there is no matrix product to lean on and burn's
//! grouped convolution is many times slower than the arithmetic needs on a CPU. The kernel here
//! walks the picture once, keeps a group of channels in vector registers over all taps, and
//! applies the *previous* convolution's bias and ReLU6 on the way in, which saves a pass over the
//! widest tensor of the block.

use super::architecture::SamePadding;
use crate::error::WeightsError;
use apprentice_kernels::{ShapeError, is_cpu, require};
use burn::{
    prelude::*,
    tensor::{TensorData, module::conv2d, ops::ConvOptions},
};
use rayon::prelude::*;
use std::sync::Arc;

const LAYER: &str = "Depthwise";

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
    /// From PyTorch's layout: `weight` [channels, 1, kernel, kernel], `bias` `[channels]`.
    ///
    /// # Panics
    /// When the kernel is not 3 or 5, the stride is zero, or there are not as many weights.
    #[must_use]
    pub fn new(weight: &[f32], bias: &[f32], kernel: usize, stride: usize, to: &Device) -> Self {
        let channels = bias.len();
        require(check_weights(weight.len(), channels, kernel, stride));
        let area = kernel * kernel;
        let taps = (0..area * channels)
            .map(|i| weight[(i % channels) * area + i / channels])
            .collect();
        let on_device = (!is_cpu(to)).then(|| {
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
    /// With `pending`, the input still lacks that bias `[C]` and its ReLU6; both are applied first.
    ///
    /// # Errors
    /// When the device cannot give the input back.
    ///
    /// # Panics
    /// When images or pending bias have other channels than the layer was made for, or the images no pixel.
    pub fn forward(
        &self,
        images: Tensor<4>,
        pending: Option<&[f32]>,
    ) -> Result<Tensor<4>, WeightsError> {
        require(self.check(images.dims(), pending.map(<[f32]>::len)));
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

    fn check(
        &self,
        [_, height, width, channels]: [usize; 4],
        pending: Option<usize>,
    ) -> Result<(), ShapeError> {
        let wanted = self.channels;
        ShapeError::unless(channels == wanted, LAYER, "channels of x", channels, wanted)?;
        let pending = pending.unwrap_or(wanted);
        ShapeError::unless(pending == wanted, LAYER, "pending bias", pending, wanted)?;
        let pixels = height * width;
        ShapeError::unless(pixels > 0, LAYER, "pixels of x", pixels, "1 or more")
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
        let mut data = images
            .try_into_data_as::<f32>()
            .map_err(|error| WeightsError::Device(error.to_string()))?;
        let input = data
            .as_mut_slice::<f32>()
            .map_err(|error| WeightsError::Device(error.to_string()))?;
        if let Some(bias) = pending {
            input
                .par_chunks_exact_mut(width * channels)
                .for_each(|row| add_and_relu6(row, bias));
        }
        let input = &*input;
        let out_row = frame.columns.output * channels;
        let mut output = vec![0.0f32; batch * frame.rows.output * out_row];
        output
            .par_chunks_exact_mut(out_row)
            .enumerate()
            .for_each(|(at, out)| {
                let (image, y) = (at / frame.rows.output, at % frame.rows.output);
                let size = height * width * channels;
                let image = &input[image * size..(image + 1) * size];
                pulp::Arch::new().dispatch(
                    #[inline(always)]
                    || match self.kernel {
                        3 => self.filter_row::<3>(image, y, out, &frame),
                        _ => self.filter_row::<5>(image, y, out, &frame),
                    },
                );
            });
        let shape = [batch, frame.rows.output, frame.columns.output, channels];
        Ok(Tensor::from_data(TensorData::new(output, shape), &device))
    }

    /// Row `y` of the output, [OW, C], of one picture [H, W, C].
    ///
    /// Channel groups are the outer loop, so that a group's taps stay in the nearest cache.
    #[inline(always)]
    fn filter_row<const K: usize>(&self, image: &[f32], y: usize, out: &mut [f32], frame: &Frame) {
        let mut start = 0;
        while start < self.channels {
            start += match self.channels - start {
                32.. => self.filter_group::<K, 32>(image, y, start, out, frame),
                16.. => self.filter_group::<K, 16>(image, y, start, out, frame),
                _ => self.filter_group::<K, 1>(image, y, start, out, frame),
            };
        }
    }

    /// Channels `start..start + L` of that row; returns `L`. The sums live in vector registers.
    #[inline(always)]
    fn filter_group<const K: usize, const L: usize>(
        &self,
        image: &[f32],
        y: usize,
        start: usize,
        out: &mut [f32],
        frame: &Frame,
    ) -> usize {
        let channels = self.channels;
        let (top, skip_top, end_row) =
            taps_inside(y * self.stride, frame.rows.before, frame.height, K);
        let mut bias = [0.0f32; L];
        bias.copy_from_slice(&self.bias[start..start + L]);
        for (x, pixel) in out.chunks_exact_mut(channels).enumerate() {
            let (left, skip_left, end_column) =
                taps_inside(x * self.stride, frame.columns.before, frame.width, K);
            let mut sum = bias;
            for row in skip_top..end_row {
                let line = (top + row - skip_top) * frame.width + left;
                for column in skip_left..end_column {
                    let from = (line + column - skip_left) * channels + start;
                    let tap = (row * K + column) * channels + start;
                    let values = &image[from..from + L];
                    let taps = &self.taps[tap..tap + L];
                    for ((total, value), tap) in sum.iter_mut().zip(values).zip(taps) {
                        *total += value * tap;
                    }
                }
            }
            for (value, total) in pixel[start..start + L].iter_mut().zip(sum) {
                *value = total.clamp(0.0, 6.0);
            }
        }
        L
    }
}

fn check_weights(
    weights: usize,
    channels: usize,
    kernel: usize,
    stride: usize,
) -> Result<(), ShapeError> {
    ShapeError::unless([3, 5].contains(&kernel), LAYER, "kernel", kernel, "3 or 5")?;
    ShapeError::unless(stride > 0, LAYER, "stride", stride, "1 or more")?;
    let wanted = channels * kernel * kernel;
    ShapeError::unless(
        weights == wanted,
        LAYER,
        "number of weights",
        weights,
        wanted,
    )
}

/// For a kernel of `kernel` taps placed at `at` on an axis of `size` pixels with `before` zeros in
/// front: the first pixel it meets, the tap that meets it, and the end of the taps that meet one.
/// Taps outside the picture meet zeros, so they are left out.
#[inline(always)]
fn taps_inside(at: usize, before: usize, size: usize, kernel: usize) -> (usize, usize, usize) {
    let skip = before.saturating_sub(at);
    (
        at.saturating_sub(before),
        skip,
        kernel.min(size + before - at),
    )
}

/// Where one picture is cut.
struct Frame {
    rows: SamePadding,
    columns: SamePadding,
    height: usize,
    width: usize,
}

/// `values` [.., C] becomes `min(max(values + bias, 0), 6)`.
///
/// # Panics
/// When there are no channels, or the values are not whole pixels of them.
pub(crate) fn add_and_relu6(values: &mut [f32], bias: &[f32]) {
    let whole = !bias.is_empty() && values.len().is_multiple_of(bias.len());
    let allowed = format_args!("a multiple of the {} channels, 1 or more", bias.len());
    require(ShapeError::unless(
        whole,
        "bias and ReLU6",
        "number of values",
        values.len(),
        allowed,
    ));
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for pixel in values.chunks_exact_mut(bias.len()) {
                for (value, add) in pixel.iter_mut().zip(bias) {
                    *value = (*value + add).clamp(0.0, 6.0);
                }
            }
        },
    );
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
        refused(check_weights(18, 2, 4, 1), "kernel is 4, allowed: 3 or 5");
        refused(check_weights(18, 2, 3, 0), "stride is 0");
        refused(
            check_weights(17, 2, 3, 1),
            "number of weights is 17, allowed: 18",
        );
        let layer = Depthwise::new(&[0.0; 18], &[0.0; 2], 3, 1, &Device::flex());
        assert_eq!(layer.check([1, 4, 4, 2], Some(2)), Ok(()));
        refused(
            layer.check([1, 4, 4, 3], None),
            "channels of x is 3, allowed: 2",
        );
        refused(
            layer.check([1, 4, 4, 2], Some(3)),
            "pending bias is 3, allowed: 2",
        );
        refused(layer.check([1, 0, 4, 2], None), "pixels of x is 0");
    }

    #[test]
    #[should_panic(expected = "Depthwise: channels of x is 3, allowed: 2")]
    fn forward_refuses_wrong_channels() {
        let layer = Depthwise::new(&[0.0; 18], &[0.0; 2], 3, 1, &Device::flex());
        let _ = layer.forward(Tensor::zeros([1, 4, 4, 3], &Device::flex()), None);
    }

    #[test]
    #[should_panic(expected = "number of values is 5, allowed: a multiple of the 2 channels")]
    fn a_bias_needs_whole_pixels() {
        add_and_relu6(&mut [0.0; 5], &[0.0; 2]);
    }
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
