//! A linear map.

use crate::initialization::uniform;
use apprentice_kernels::{self as kernels, ShapeError, Window, require};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;

/// `y = x W + b`, W [in, out].
#[derive(Module, Debug)]
pub struct Linear {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl Linear {
    /// Uniform weights within 1 / sqrt(in), PyTorch's default.
    pub fn new(input: usize, output: usize, rng: &mut impl Rng, device: &Device) -> Self {
        let bound = 1.0 / (input.max(1) as f32).sqrt();
        Self {
            weight: uniform([input, output], bound, rng, device),
            bias: uniform([output], bound, rng, device),
        }
    }

    /// [N, in] to [N, out].
    ///
    /// # Panics
    /// When there are not as many numbers as the layer was made for.
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let (given, wanted) = (x.dims()[1], self.inputs());
        require(ShapeError::unless(
            given == wanted,
            "Linear",
            "numbers in",
            given,
            wanted,
        ));
        if !kernels::has_cpu_kernels(&x) {
            return x.matmul(self.weight.val()) + self.bias.val().unsqueeze_dim(0);
        }
        let [rows, input] = x.dims();
        let alone = Window {
            kernel: [1; 2],
            stride: [1; 2],
            padding: [0; 2],
        };
        let x = x.reshape([1, 1, rows, input]);
        let out = kernels::conv2d(x, self.weight.val(), self.bias.val(), alone);
        let output = out.dims()[3];
        out.reshape([rows, output])
    }

    /// [B, N, in] to [B, N, out].
    ///
    /// # Panics
    /// As [`Self::forward`].
    #[must_use]
    pub fn forward_tokens(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, tokens, input] = x.dims();
        let out = self.forward(x.reshape([batch * tokens, input]));
        let output = out.dims()[1];
        out.reshape([batch, tokens, output])
    }

    /// Numbers in.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.weight.dims()[0]
    }

    /// Numbers out.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.weight.dims()[1]
    }

    /// The weights of some of the numbers in, [rows, out].
    #[must_use]
    pub fn weight_rows(&self, rows: std::ops::Range<usize>) -> Tensor<2> {
        self.weight.val().slice([rows, 0..self.outputs()])
    }

    /// The bias, `[out]`.
    #[must_use]
    pub fn bias(&self) -> Tensor<1> {
        self.bias.val()
    }

    /// The weights `[in x out]`, row-major, and the bias `[out]`.
    #[must_use]
    pub fn weights(&self) -> (Vec<f32>, Vec<f32>) {
        let read = |data: TensorData| data.convert::<f32>().try_to_vec().unwrap_or_default();
        (
            read(self.weight.val().into_data()),
            read(self.bias.val().into_data()),
        )
    }
}
