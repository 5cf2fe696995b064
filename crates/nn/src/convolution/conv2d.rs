//! Convolutions of pictures.

use super::output_size::output_size;
use crate::initialization::uniform;
use crate::padding::{pad, strided};
use apprentice_kernels::{self as kernels, ShapeError, Window, require};
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
    bias: Option<Param<Tensor<1>>>,
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
            bias: Some(uniform([config.out_channels], bound, rng, device)),
            kernel: config.kernel,
            stride: config.stride,
            padding: config.padding,
        }
    }

    /// For where a normalisation follows, which would take a bias off again.
    pub fn without_bias(config: Conv2dConfig, rng: &mut impl Rng, device: &Device) -> Self {
        Self {
            bias: None,
            ..Self::new(config, rng, device)
        }
    }

    fn offset(&self) -> Tensor<1> {
        match &self.bias {
            Some(bias) => bias.val(),
            None => {
                let like = (&self.weight.device(), self.weight.dtype());
                Tensor::zeros([self.weight.dims()[1]], like)
            }
        }
    }

    /// Sizes [H', W', out] of the answer to pictures of sizes [H, W, in].
    ///
    /// # Errors
    /// When the channels are not those the layer was made for, or the kernel, which must have a place and
    /// a step, is larger than the picture with its padding.
    pub fn output(&self, [h, w, channels]: [usize; 3]) -> Result<[usize; 3], ShapeError> {
        ShapeError::unless(
            self.kernel > 0,
            "Conv2d",
            "kernel",
            self.kernel,
            "1 or more",
        )?;
        let [rows, out] = self.weight.dims();
        let wanted = rows / (self.kernel * self.kernel);
        let fits = channels == wanted;
        ShapeError::unless(fits, "Conv2d", "channels of the picture", channels, wanted)?;
        let along =
            |size, what| output_size("Conv2d", what, size, self.kernel, self.stride, self.padding);
        Ok([
            along(h, "height of the picture")?,
            along(w, "width of the picture")?,
            out,
        ])
    }

    /// [B, H, W, in] to [B, H', W', out].
    ///
    /// # Panics
    /// When [`Self::output`] refuses the sizes; networks ask it before they begin.
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, height, width, channels] = x.dims();
        require(self.output([height, width, channels]));
        if !kernels::has_kernels_for(&x) {
            return self.plain(x);
        }
        let window = Window {
            kernel: [self.kernel; 2],
            stride: [self.stride; 2],
            padding: [self.padding; 2],
        };
        kernels::conv2d(x, self.weight.val(), self.offset(), window)
    }

    /// In tensor operations that every backend has.
    fn plain(&self, x: Tensor<4>) -> Tensor<4> {
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
        let out = gathered.matmul(self.weight.val()) + self.offset().unsqueeze_dim(0);
        let channels = out.dims()[1];
        out.reshape([b, oh, ow, channels])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agreement::agrees;
    use crate::gaussian;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn a_picture_convolves_like_plain_tensors() {
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        // Batch, height, width, in, out, kernel, stride, padding; among them kernels wider than the
        // picture and rows that see nothing but padding.
        let sizes = [
            [2, 9, 7, 3, 16, 5, 2, 2],
            [3, 24, 24, 8, 12, 3, 1, 1],
            [1, 6, 5, 4, 3, 1, 1, 0],
            [5, 1, 1, 2, 2, 3, 1, 1],
            [1, 2, 2, 1, 1, 5, 1, 4],
            [9, 17, 40, 3, 5, 3, 3, 0],
            [2, 8, 8, 4, 4, 1, 2, 0],
            [1, 7, 9, 1, 2, 4, 3, 3],
        ];
        for [b, h, w, i, o, k, s, p] in sizes {
            let config = Conv2dConfig {
                in_channels: i,
                out_channels: o,
                kernel: k,
                stride: s,
                padding: p,
            };
            let layer = Conv2d::new(config, &mut rng, &device);
            let x = gaussian([b, h, w, i], &mut rng, &device).require_grad();
            let (fused, plain) = (layer.forward(x.clone()), layer.plain(x.clone()));
            agrees(
                &[("dx", x.clone())],
                &[("dbias", layer.offset())],
                fused,
                plain,
            );
            agrees(
                &[("dweight", layer.weight.val())],
                &[],
                layer.forward(x.clone().detach()),
                layer.plain(x.detach()),
            );
        }
    }
}
