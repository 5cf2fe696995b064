//! [`BlockOps`] on CubeCL's devices, as kernels.
//!
//! A convolution is im2col and one matrix product, and what flows back through it goes through col2im; a
//! normalisation is a cube a group; sums over many rows are taken in parts first. All are taken in a fixed order and in 32 bits whatever the tensors are in.

mod activation;
mod column_sums;
mod film;
mod group_norm;
mod group_norm_affine;
mod im2col;

use crate::activation::Activation;
use crate::block_ops::{BlockGradients, BlockOps};
use crate::checks;
use crate::operand::Operand;
use crate::shape_error::require;
use crate::window::Window;
use burn::backend::Shape;
use burn::backend::ops::FloatTensorOps;
use burn_cubecl::CubeBackend;
use burn_cubecl::ops::numeric::add;
use burn_cubecl::tensor::CubeTensor;

impl BlockOps for CubeBackend {
    fn conv2d_nhwc(
        x: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        window: Window,
    ) -> CubeTensor {
        require(checks::conv2d(
            &Operand::on_gpu("x", &x),
            &Operand::on_gpu("weight", &weight),
            &Operand::on_gpu("bias", &bias),
            window,
        ));
        let shape = window.output_shape(x.meta.shape(), weight.meta.shape()[1]);
        let out = Self::float_matmul(im2col::im2col(x, window), weight);
        let channels = shape[3];
        let bias = Self::float_reshape(bias, Shape::new([1, channels]));
        Self::float_reshape(add(out, bias), shape)
    }

    fn conv_transpose2d_nhwc(
        x: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        window: Window,
        output: [usize; 4],
    ) -> CubeTensor {
        require(checks::conv_transpose2d(
            &Operand::on_gpu("x", &x),
            &Operand::on_gpu("weight", &weight),
            &Operand::on_gpu("bias", &bias),
            window,
            output,
        ));
        let columns = Self::float_matmul(rows(x), weight);
        let out = im2col::col2im(columns, window, output);
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
        group_norm::forward(x, gamma, beta, groups, activation).0
    }

    fn film(x: CubeTensor, scale_and_shift: CubeTensor) -> CubeTensor {
        film::forward(x, scale_and_shift)
    }
}

impl BlockGradients for CubeBackend {
    fn conv2d_for_training(
        x: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        window: Window,
    ) -> CubeTensor {
        Self::conv2d_nhwc(x, weight, bias, window)
    }

    fn conv2d_input_gradient(
        weight: CubeTensor,
        gradient: CubeTensor,
        window: Window,
        input: [usize; 4],
    ) -> CubeTensor {
        require(checks::conv2d_input_gradient(
            &Operand::on_gpu("weight", &weight),
            &Operand::on_gpu("gradient", &gradient),
            window,
            input,
        ));
        let gradient = rows(gradient);
        let columns = Self::float_matmul(gradient, Self::float_swap_dims(weight, 0, 1));
        im2col::col2im(columns, window, input)
    }

    fn conv2d_weight_gradient(x: CubeTensor, gradient: CubeTensor, window: Window) -> CubeTensor {
        require(checks::conv2d_weight_gradient(
            &Operand::on_gpu("x", &x),
            &Operand::on_gpu("gradient", &gradient),
            window,
        ));
        let columns = Self::float_swap_dims(im2col::im2col(x, window), 0, 1);
        Self::float_matmul(columns, rows(gradient))
    }

    fn bias_gradient(x: CubeTensor) -> CubeTensor {
        require(checks::bias_gradient(&Operand::on_gpu("gradient", &x)));
        column_sums::column_sums(rows(x))
    }

    fn group_norm_with_statistics(
        x: CubeTensor,
        gamma: CubeTensor,
        beta: CubeTensor,
        groups: usize,
        activation: Activation,
    ) -> (CubeTensor, CubeTensor) {
        group_norm::forward(x, gamma, beta, groups, activation)
    }

    fn group_norm_gradients(
        x: CubeTensor,
        gamma: CubeTensor,
        beta: CubeTensor,
        statistics: CubeTensor,
        gradient: CubeTensor,
        activation: Activation,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let normalized =
            group_norm::Normalized::new([x, gamma, beta], statistics, gradient, activation);
        let (dgamma, dbeta) = group_norm_affine::gradients(&normalized);
        (group_norm::gradient_of_input(&normalized), dgamma, dbeta)
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
