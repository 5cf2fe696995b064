//! Convolutions along a line, such as an action chunk's time.

use super::output_size::output_size;
use crate::initialization::uniform;
use crate::padding::{pad, pad_side, strided};
use apprentice_kernels::split_k::{self, Conv1dGeometry, ConvInput, PartialSums};
use apprentice_kernels::{self as kernels, ShapeError, Window, require};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand::Rng;

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

    /// Channels out.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.bias.dims()[0]
    }

    /// Sizes [L', out] of the answer to lines of sizes [L, in].
    ///
    /// # Errors
    /// When the channels are not those the layer was made for, or the kernel, which must have a place and
    /// a step, is longer than the line with its padding.
    pub fn output(&self, [length, channels]: [usize; 2]) -> Result<[usize; 2], ShapeError> {
        ShapeError::unless(
            self.kernel > 0,
            "Conv1d",
            "kernel",
            self.kernel,
            "1 or more",
        )?;
        let [rows, out] = self.weight.dims();
        let wanted = rows / self.kernel;
        let fits = channels == wanted;
        ShapeError::unless(fits, "Conv1d", "channels of the line", channels, wanted)?;
        let (kernel, stride, padding) = (self.kernel, self.stride, self.padding);
        let length = output_size(
            "Conv1d",
            "length of the line",
            length,
            kernel,
            stride,
            padding,
        )?;
        Ok([length, out])
    }

    /// [B, L, in] to [B, L', out].
    ///
    /// # Panics
    /// When [`Self::output`] refuses the sizes; networks ask it before they begin.
    #[must_use]
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [_, length, channels] = x.dims();
        require(self.output([length, channels]));
        if split_k::applies_to(&x) {
            return self.partial_sums(x.into()).add_bias();
        }
        if !kernels::has_kernels_for(&x) {
            return self.plain(x);
        }
        let window = Window {
            kernel: [1, self.kernel],
            stride: [1, self.stride],
            padding: [0, self.padding],
        };
        let line = x.unsqueeze_dim::<4>(1);
        kernels::conv2d(line, self.weight.val(), self.bias.val(), window).squeeze_dim(1)
    }

    /// [`Self::forward`] of few rows on a GPU ([`split_k::applies_to`]), up to what follows it.
    ///
    /// # Panics
    /// When the channels, of which some may be a skip connection's, are not those the layer was made for.
    #[must_use]
    pub fn partial_sums(&self, input: ConvInput) -> PartialSums {
        let geometry = Conv1dGeometry {
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
        };
        PartialSums::new(input, self.weight.val(), self.bias.val(), geometry)
    }

    /// In tensor operations that every backend has.
    fn plain(&self, x: Tensor<3>) -> Tensor<3> {
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
    ///
    /// # Panics
    /// When the line is empty, or its channels are not those the layer was made for.
    #[must_use]
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        require(self.check(x.dims()));
        if split_k::applies_to(&x) {
            let (weight, bias) = (self.weight.val(), self.bias.val());
            return PartialSums::new(x.into(), weight, bias, Conv1dGeometry::POINTWISE)
                .add_bias_transposed();
        }
        if !kernels::has_kernels_for(&x) {
            return self.plain(x);
        }
        let [b, l, _] = x.dims();
        let window = Window {
            kernel: [1, 4],
            stride: [1, 2],
            padding: [0, 1],
        };
        let (weight, bias) = (self.weight.val(), self.bias.val());
        let output = [b, 1, 2 * l, bias.dims()[0]];
        kernels::conv_transpose2d(x.unsqueeze_dim(1), weight, bias, window, output).squeeze_dim(1)
    }

    fn check(&self, [_, length, channels]: [usize; 3]) -> Result<(), ShapeError> {
        let wanted = self.weight.dims()[0];
        let (layer, what) = ("ConvTranspose1d", "channels of the line");
        ShapeError::unless(channels == wanted, layer, what, channels, wanted)?;
        ShapeError::unless(length > 0, layer, "length of the line", length, "1 or more")
    }

    /// In tensor operations that every backend has.
    fn plain(&self, x: Tensor<3>) -> Tensor<3> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agreement::{agrees, close, numbers};
    use crate::gaussian;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// Two ways to compute a layer, and its gradients.
    fn alike(
        x: &Tensor<3>,
        (weight, bias): (Tensor<2>, Tensor<1>),
        a: impl Fn(Tensor<3>) -> Tensor<3>,
        b: impl Fn(Tensor<3>) -> Tensor<3>,
    ) {
        let both = || (a(x.clone()), b(x.clone()));
        let (found, wanted) = both();
        agrees(&[("dx", x.clone())], &[("dbias", bias)], found, wanted);
        let (found, wanted) = both();
        agrees(&[("dweight", weight)], &[], found, wanted);
    }

    #[test]
    fn a_line_convolves_like_plain_tensors() {
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        // Batch, length, in, out, kernel, stride, padding.
        let sizes = [
            [40, 16, 10, 32, 5, 1, 2],
            [7, 8, 32, 16, 3, 2, 1],
            [300, 4, 6, 5, 1, 1, 0],
            [1, 3, 2, 4, 5, 1, 2],
            [2, 5, 3, 3, 2, 3, 0],
        ];
        for [b, l, i, o, k, s, p] in sizes {
            let layer = Conv1d::new(i, o, k, s, p, &mut rng, &device);
            let x = gaussian([b, l, i], &mut rng, &device).require_grad();
            let parameters = (layer.weight.val(), layer.bias.val());
            alike(&x, parameters, |x| layer.forward(x), |x| layer.plain(x));
        }
    }

    #[test]
    fn a_line_is_doubled_like_plain_tensors() {
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(14);
        for [b, l, i, o] in [[5, 8, 16, 24], [64, 4, 33, 32], [1, 1, 3, 2]] {
            let layer = ConvTranspose1d::new(i, o, &mut rng, &device);
            let x = gaussian([b, l, i], &mut rng, &device).require_grad();
            let parameters = (layer.weight.val(), layer.bias.val());
            alike(&x, parameters, |x| layer.forward(x), |x| layer.plain(x));
        }
    }

    #[test]
    fn tensors_that_are_not_row_major_are_read_right() {
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let layer = Conv1d::new(6, 4, 3, 1, 1, &mut rng, &device);
        let x: Tensor<3> = gaussian([5, 7, 9], &mut rng, &device);
        let view = x.swap_dims(1, 2).slice([1..4, 2..8, 1..7]);
        let (got, expected) = (layer.forward(view.clone()), layer.plain(view));
        close("output", &got, &expected, 1e-5);
    }

    #[test]
    fn the_number_of_threads_does_not_change_a_bit() {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                let device = Device::flex().autodiff();
                let mut rng = ChaCha8Rng::seed_from_u64(6);
                let mut bits = Vec::new();
                // Many samples, and one that shares out its products instead.
                for [b, i, o] in [[33, 5, 8], [1, 128, 256]] {
                    let layer = Conv1d::new(i, o, 5, 1, 2, &mut rng, &device);
                    let x = gaussian([b, 64, i], &mut rng, &device).require_grad();
                    let y = layer.forward(x.clone());
                    let gradients = (y.clone() * y.clone()).sum().backward();
                    bits.extend(numbers(y.into_data()));
                    bits.extend(numbers(x.grad(&gradients).unwrap().into_data()));
                    let weight = layer.weight.val().grad(&gradients).unwrap();
                    bits.extend(numbers(weight.into_data()));
                }
                bits.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            })
        };
        assert_eq!(run(1), run(4));
    }
}
