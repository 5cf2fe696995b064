//! [`BlockOps`] on the processor.

use super::super::activation::Activation;
use super::super::blocks::{BlockGradients, BlockOps};
use super::super::window::Window;
use super::buffer::{tensor, values};
use super::picture::Picture;
use super::{convolve, film, norm};
use burn::backend::flex::FlexTensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::{Flex, Shape, TensorMetadata};

/// So few rows are not worth transposing weights for.
const FEW_ROWS: usize = 64;

impl BlockOps for Flex {
    fn convolve(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, window: Window) -> FlexTensor {
        debug_assert_eq!(
            window.places() * x.shape()[3],
            weight.shape()[0],
            "rows of the weights: the kernel's places times the channels in"
        );
        debug_assert_eq!(bias.shape()[0], weight.shape()[1], "channels out");
        convolve::forward(x, weight, bias, window, true)
    }

    fn convolve_transposed(
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
            let seen = values(Self::float_matmul(x, weight));
            let bias = values(bias);
            let out =
                brought_together(seen.get(), bias.get(), [shape[1], shape[2]], window, output);
            return tensor(out, Shape::from(output.to_vec()));
        }
        let weight = Self::float_swap_dims(weight, 0, 1);
        let out = Self::convolve_gradient_of_input(weight, x, window, output);
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
        norm::forward(x, gamma, beta, groups, activation).0
    }

    fn film(x: FlexTensor, scale_and_shift: FlexTensor) -> FlexTensor {
        film::forward(x, scale_and_shift)
    }
}

impl BlockGradients for Flex {
    fn convolve_for_gradients(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        window: Window,
    ) -> FlexTensor {
        convolve::forward(x, weight, bias, window, false)
    }

    fn convolve_gradient_of_input(
        weight: FlexTensor,
        gradient: FlexTensor,
        window: Window,
        input: [usize; 4],
    ) -> FlexTensor {
        let (shape, columns) = (Shape::from(input.to_vec()), weight.shape()[1]);
        let picture = Picture::new(window, &shape);
        let (weight, gradient) = (values(weight), values(gradient));
        let numbers = input.iter().product();
        if gradient.get().is_empty() {
            return tensor(vec![0.0; numbers], shape);
        }
        let out = convolve::of_picture(numbers, weight.get(), gradient.get(), columns, &picture);
        tensor(out, shape)
    }

    fn convolve_gradient_of_weights(
        x: FlexTensor,
        gradient: FlexTensor,
        window: Window,
    ) -> FlexTensor {
        let picture = Picture::new(window, &x.shape());
        let columns = gradient.shape()[3];
        let shape = Shape::from(vec![window.places() * picture.channels(), columns]);
        let (numbers, x, gradient) = (shape.num_elements(), values(x), values(gradient));
        if gradient.get().is_empty() {
            return tensor(vec![0.0; numbers], shape);
        }
        let out = convolve::of_weights(x.get(), numbers, gradient.get(), columns, &picture);
        x.recycle();
        gradient.recycle();
        tensor(out, shape)
    }

    fn sum_places(x: FlexTensor) -> FlexTensor {
        let channels = x.shape()[3];
        tensor(
            convolve::of_bias(values(x).get(), channels),
            [channels].into(),
        )
    }

    fn group_norm_with_moments(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        groups: usize,
        activation: Activation,
    ) -> (FlexTensor, FlexTensor) {
        norm::forward(x, gamma, beta, groups, activation)
    }

    fn group_norm_gradients(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        moments: FlexTensor,
        gradient: FlexTensor,
        activation: Activation,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let saved = norm::Saved {
            x,
            gamma,
            beta,
            moments,
            activation,
        };
        norm::backward(saved, gradient)
    }

    fn film_gradients(
        x: FlexTensor,
        scale_and_shift: FlexTensor,
        gradient: FlexTensor,
    ) -> (FlexTensor, FlexTensor) {
        film::backward(x, scale_and_shift, gradient)
    }
}

/// The bias and, at each place of `output`, the sum of what is seen from there: [B x H' x W', kernel x C].
fn brought_together(
    seen: &[f32],
    bias: &[f32],
    [height, width]: [usize; 2],
    window: Window,
    output: [usize; 4],
) -> Vec<f32> {
    let [_, rows, columns, channels] = output;
    let numbers = output.iter().product();
    let mut out: Vec<f32> = bias.iter().copied().cycle().take(numbers).collect();
    for (index, taps) in seen.chunks_exact(window.places() * channels).enumerate() {
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
