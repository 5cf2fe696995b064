//! [`BlockOps`] on the processor.

use super::buffer::{tensor, values};
use super::convolution_layout::ConvolutionLayout;
use super::{convolution, film, group_norm};
use crate::activation::Activation;
use crate::block_ops::{BlockGradients, BlockOps};
use crate::window::Window;
use burn::backend::flex::FlexTensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::{Flex, Shape, TensorMetadata};

/// So few rows are not worth transposing weights for.
const FEW_ROWS: usize = 64;

impl BlockOps for Flex {
    fn conv2d_nhwc(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        window: Window,
    ) -> FlexTensor {
        convolution::forward(x, weight, bias, window, true)
    }

    fn conv_transpose2d_nhwc(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        window: Window,
        output: [usize; 4],
    ) -> FlexTensor {
        let shape = x.shape();
        let rows = shape[0] * shape[1] * shape[2];
        if rows <= FEW_ROWS {
            let x = Self::float_reshape(x, Shape::from(vec![rows, shape[3]]));
            let columns = values(Self::float_matmul(x, weight));
            let bias = values(bias);
            let out = col2im(
                columns.get(),
                bias.get(),
                [shape[1], shape[2]],
                window,
                output,
            );
            return tensor(out, Shape::from(output.to_vec()));
        }
        let weight = Self::float_swap_dims(weight, 0, 1);
        let out = Self::conv2d_input_gradient(weight, x, window, output);
        let bias = Self::float_reshape(bias, Shape::from(vec![1, 1, 1, output[3]]));
        Self::float_add(out, bias)
    }

    fn group_norm(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        groups: usize,
        activation: Activation,
    ) -> FlexTensor {
        group_norm::forward(x, gamma, beta, groups, activation).0
    }

    fn film(x: FlexTensor, scale_and_shift: FlexTensor) -> FlexTensor {
        film::forward(x, scale_and_shift)
    }
}

impl BlockGradients for Flex {
    fn conv2d_for_training(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        window: Window,
    ) -> FlexTensor {
        convolution::forward(x, weight, bias, window, false)
    }

    fn conv2d_input_gradient(
        weight: FlexTensor,
        gradient: FlexTensor,
        window: Window,
        input: [usize; 4],
    ) -> FlexTensor {
        let (shape, columns) = (Shape::from(input.to_vec()), weight.shape()[1]);
        let picture = ConvolutionLayout::new(window, &shape);
        let (weight, gradient) = (values(weight), values(gradient));
        let numbers = input.iter().product();
        if gradient.get().is_empty() {
            return tensor(vec![0.0; numbers], shape);
        }
        let out =
            convolution::input_gradient(numbers, weight.get(), gradient.get(), columns, &picture);
        tensor(out, shape)
    }

    fn conv2d_weight_gradient(x: FlexTensor, gradient: FlexTensor, window: Window) -> FlexTensor {
        let picture = ConvolutionLayout::new(window, &x.shape());
        let columns = gradient.shape()[3];
        let shape = Shape::from(vec![window.places() * picture.channels(), columns]);
        let (numbers, x, gradient) = (shape.num_elements(), values(x), values(gradient));
        if gradient.get().is_empty() {
            return tensor(vec![0.0; numbers], shape);
        }
        let out = convolution::weight_gradient(x.get(), numbers, gradient.get(), columns, &picture);
        x.release();
        gradient.release();
        tensor(out, shape)
    }

    fn bias_gradient(x: FlexTensor) -> FlexTensor {
        let channels = x.shape()[3];
        tensor(
            convolution::bias_gradient(values(x).get(), channels),
            [channels].into(),
        )
    }

    fn group_norm_with_statistics(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        groups: usize,
        activation: Activation,
    ) -> (FlexTensor, FlexTensor) {
        group_norm::forward(x, gamma, beta, groups, activation)
    }

    fn group_norm_gradients(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        statistics: FlexTensor,
        gradient: FlexTensor,
        activation: Activation,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let saved = group_norm::Saved {
            x,
            gamma,
            beta,
            statistics,
            activation,
        };
        group_norm::backward(saved, gradient)
    }

    fn film_gradients(
        x: FlexTensor,
        scale_and_shift: FlexTensor,
        gradient: FlexTensor,
    ) -> (FlexTensor, FlexTensor) {
        film::backward(x, scale_and_shift, gradient)
    }
}

/// The bias and, at each place of `output`, the sum of the products that reach it, of [B x H' x W', kernel x C].
fn col2im(
    products: &[f32],
    bias: &[f32],
    [height, width]: [usize; 2],
    window: Window,
    output: [usize; 4],
) -> Vec<f32> {
    let [_, rows, columns, channels] = output;
    let numbers = output.iter().product();
    let mut out: Vec<f32> = bias.iter().copied().cycle().take(numbers).collect();
    for (index, taps) in products
        .chunks_exact(window.places() * channels)
        .enumerate()
    {
        let (line, x) = (index / width, index % width);
        let (sample, y) = (line / height, line % height);
        for (tap, more) in taps.chunks_exact(channels).enumerate() {
            // Moved by the padding, so that nothing is below zero.
            let [down, across] = [tap / window.kernel[1], tap % window.kernel[1]];
            let [y, x] = [y * window.stride[0] + down, x * window.stride[1] + across];
            let row = y.checked_sub(window.padding[0]).filter(|&y| y < rows);
            let column = x.checked_sub(window.padding[1]).filter(|&x| x < columns);
            if let (Some(row), Some(column)) = (row, column) {
                let at = ((sample * rows + row) * columns + column) * channels;
                let sums = out[at..at + channels].iter_mut();
                sums.zip(more).for_each(|(sum, more)| *sum += more);
            }
        }
    }
    out
}
