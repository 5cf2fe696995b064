//! [`BlockOps`] on CubeCL's devices, as kernels.
//!
//! A convolution is one matrix product of what each output sees, gathered side by side, and what flows back
//! through it is brought together again; a normalisation is a cube a group; sums over many rows are taken in
//! parts first. All are taken in a fixed order and in 32 bits whatever the tensors are in.

mod affine;
mod curve;
mod film;
mod gather;
mod norm;
mod sums;

use super::activation::Activation;
use super::blocks::{BlockGradients, BlockOps};
use super::window::Window;
use crate::cubes::whole;
use burn::backend::Shape;
use burn::backend::ops::FloatTensorOps;
use burn_cubecl::CubeBackend;
use burn_cubecl::ops::numeric::add;
use burn_cubecl::tensor::CubeTensor;

impl BlockOps for CubeBackend {
    fn convolve(x: CubeTensor, weight: CubeTensor, bias: CubeTensor, window: Window) -> CubeTensor {
        let shape = window.output_shape(x.meta.shape(), weight.meta.shape()[1]);
        let out = Self::float_matmul(gather::seen(x, window), weight);
        let channels = shape[3];
        let bias = Self::float_reshape(bias, Shape::new([1, channels]));
        Self::float_reshape(add(out, bias), shape)
    }

    fn convolve_transposed(
        x: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        window: Window,
        output: [usize; 4],
    ) -> CubeTensor {
        let seen = Self::float_matmul(rows(x), weight);
        let out = gather::brought_together(seen, window, output);
        let bias = Self::float_reshape(bias, Shape::new([1, 1, 1, output[3]]));
        add(out, bias)
    }

    fn group_norm(
        x: CubeTensor,
        gamma: CubeTensor,
        beta: CubeTensor,
        groups: usize,
        activation: Activation,
    ) -> CubeTensor {
        norm::forward(x, gamma, beta, groups, activation).0
    }

    fn film(x: CubeTensor, scale_and_shift: CubeTensor) -> CubeTensor {
        film::forward(x, scale_and_shift)
    }
}

impl BlockGradients for CubeBackend {
    fn convolve_for_gradients(
        x: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        window: Window,
    ) -> CubeTensor {
        Self::convolve(x, weight, bias, window)
    }

    fn convolve_gradient_of_input(
        weight: CubeTensor,
        gradient: CubeTensor,
        window: Window,
        input: [usize; 4],
    ) -> CubeTensor {
        let gradient = rows(gradient);
        let seen = Self::float_matmul(gradient, Self::float_swap_dims(weight, 0, 1));
        gather::brought_together(seen, window, input)
    }

    fn convolve_gradient_of_weights(
        x: CubeTensor,
        gradient: CubeTensor,
        window: Window,
    ) -> CubeTensor {
        let seen = Self::float_swap_dims(gather::seen(x, window), 0, 1);
        Self::float_matmul(seen, rows(gradient))
    }

    fn sum_places(x: CubeTensor) -> CubeTensor {
        sums::of_rows(rows(x))
    }

    fn group_norm_with_moments(
        x: CubeTensor,
        gamma: CubeTensor,
        beta: CubeTensor,
        groups: usize,
        activation: Activation,
    ) -> (CubeTensor, CubeTensor) {
        norm::forward(x, gamma, beta, groups, activation)
    }

    fn group_norm_gradients(
        x: CubeTensor,
        gamma: CubeTensor,
        beta: CubeTensor,
        moments: CubeTensor,
        gradient: CubeTensor,
        activation: Activation,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let [x, gamma, beta, moments, gradient] = [x, gamma, beta, moments, gradient].map(whole);
        let normed = norm::Normed {
            x,
            gamma,
            beta,
            moments,
            gradient,
            activation,
        };
        let (dgamma, dbeta) = affine::gradients(&normed);
        (norm::gradient_of_input(&normed), dgamma, dbeta)
    }

    fn film_gradients(
        x: CubeTensor,
        scale_and_shift: CubeTensor,
        gradient: CubeTensor,
    ) -> (CubeTensor, CubeTensor) {
        film::gradients(x, scale_and_shift, gradient)
    }
}

/// [B, H, W, C] as [B x H x W, C].
fn rows(x: CubeTensor) -> CubeTensor {
    let shape = x.meta.shape();
    let channels = shape[3];
    let rows = shape.num_elements() / channels.max(1);
    CubeBackend::float_reshape(x, Shape::new([rows, channels]))
}
