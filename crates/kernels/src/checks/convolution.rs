//! Convolutions and their gradients.

use crate::operand::Operand;
use crate::{ShapeError, Window};

const CONV: &str = "conv2d";
const TRANSPOSE: &str = "conv_transpose2d";

/// x [B, H, W, in], weights [kernel rows x kernel columns x in, out] and bias `[out]`.
pub(crate) fn conv2d(
    x: &Operand,
    weight: &Operand,
    bias: &Operand,
    window: Window,
) -> Result<(), ShapeError> {
    let [_, height, width, inputs] = x.dims(CONV)?;
    let [_, outputs] = weight.dims(CONV)?;
    window.check(CONV, [height, width])?;
    let wanted = [window.places() * inputs, outputs];
    weight.has_shape(
        CONV,
        &wanted,
        "kernel places times channels of x, channels out",
    )?;
    weight.has_dtype(CONV, x.dtype())?;
    bias.has_shape(CONV, &[outputs], "a number a channel out")?;
    bias.has_dtype(CONV, x.dtype())
}

/// x [B, H', W', in], weights [in, kernel rows x kernel columns x out] and bias `[out]`, to the shape
/// `output`, [B, H, W, out], over which the window has H' x W' places.
pub(crate) fn conv_transpose2d(
    x: &Operand,
    weight: &Operand,
    bias: &Operand,
    window: Window,
    output: [usize; 4],
) -> Result<(), ShapeError> {
    let [_, _, _, inputs] = x.dims(TRANSPOSE)?;
    let [samples, height, width, outputs] = output;
    window.check(TRANSPOSE, [height, width])?;
    let [rows, columns] = window.output([height, width]);
    let wanted = [samples, rows, columns, inputs];
    x.has_shape(TRANSPOSE, &wanted, "places of the window over the output")?;
    let wanted = [inputs, window.places() * outputs];
    weight.has_shape(
        TRANSPOSE,
        &wanted,
        "channels of x, kernel places times channels out",
    )?;
    weight.has_dtype(TRANSPOSE, x.dtype())?;
    bias.has_shape(TRANSPOSE, &[outputs], "a number a channel out")?;
    bias.has_dtype(TRANSPOSE, x.dtype())
}

/// Weights [kernel rows x kernel columns x in, out] and the gradient [B, H', W', out] of the output, for an
/// input of the shape `input`, [B, H, W, in].
pub(crate) fn conv2d_input_gradient(
    weight: &Operand,
    gradient: &Operand,
    window: Window,
    input: [usize; 4],
) -> Result<(), ShapeError> {
    let [_, outputs] = weight.dims(CONV)?;
    let wanted = [window.places() * input[3], outputs];
    weight.has_shape(
        CONV,
        &wanted,
        "kernel places times channels of x, channels out",
    )?;
    output_gradient(gradient, window, input, outputs)?;
    weight.has_dtype(CONV, gradient.dtype())
}

/// x [B, H, W, in] and the gradient [B, H', W', out] of the output.
pub(crate) fn conv2d_weight_gradient(
    x: &Operand,
    gradient: &Operand,
    window: Window,
) -> Result<(), ShapeError> {
    let input = x.dims(CONV)?;
    let [.., outputs] = gradient.dims::<4>(CONV)?;
    output_gradient(gradient, window, input, outputs)?;
    gradient.has_dtype(CONV, x.dtype())
}

fn output_gradient(
    gradient: &Operand,
    window: Window,
    [samples, height, width, _]: [usize; 4],
    outputs: usize,
) -> Result<(), ShapeError> {
    window.check(CONV, [height, width])?;
    let [rows, columns] = window.output([height, width]);
    let wanted = [samples, rows, columns, outputs];
    gradient.has_shape(CONV, &wanted, "as the output")
}

/// x [B, H, W, C], of which each output sees the pixels under the window.
pub(crate) fn im2col(x: &Operand, window: Window) -> Result<(), ShapeError> {
    let [_, height, width, _] = x.dims("im2col")?;
    window.check("im2col", [height, width])
}

/// Columns [B x H' x W', kernel x C] that are summed where they lie over a picture of the shape `image`,
/// [B, H, W, C].
pub(crate) fn col2im(
    columns: &Operand,
    window: Window,
    [samples, height, width, channels]: [usize; 4],
) -> Result<(), ShapeError> {
    window.check("col2im", [height, width])?;
    let places: usize = window.output([height, width]).iter().product();
    let wanted = [samples * places, window.places() * channels];
    columns.has_shape(
        "col2im",
        &wanted,
        "places of the window, kernel places times channels",
    )
}

/// The gradient [B, H', W', out] of a convolution's output.
pub(crate) fn bias_gradient(gradient: &Operand) -> Result<(), ShapeError> {
    gradient.dims::<4>(CONV).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::refusals::{bf16, f32, refused};

    fn window(kernel: usize, stride: usize, padding: usize) -> Window {
        Window {
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [padding; 2],
        }
    }

    #[test]
    fn convolutions_of_wrong_widths_are_refused() {
        let check = |x: &[usize], weight: &[usize], bias: &[usize], window| {
            conv2d(
                &f32("x", x),
                &f32("weight", weight),
                &f32("bias", bias),
                window,
            )
        };
        let three = window(3, 1, 1);
        assert_eq!(check(&[2, 5, 4, 3], &[27, 8], &[8], three), Ok(()));
        refused(
            check(&[2, 5, 4, 4], &[27, 8], &[8], three),
            "weight is [27, 8], allowed: [36, 8]",
        );
        refused(
            check(&[2, 5, 4, 3], &[27, 8], &[7], three),
            "bias is [7], allowed: [8]",
        );
        refused(
            check(&[5, 4, 3], &[27, 8], &[8], three),
            "x is [5, 4, 3], allowed: 4 dimensions",
        );
        refused(
            check(&[2, 5, 4, 3], &[27], &[8], three),
            "weight is [27], allowed: 2 dimensions",
        );
        refused(
            check(&[2, 2, 4, 3], &[27, 8], &[8], window(3, 1, 0)),
            "height is 2, allowed: 3 or more",
        );
        refused(
            check(&[2, 5, 4, 3], &[27, 8], &[8], window(3, 0, 1)),
            "stride is 0",
        );
        refused(
            check(&[2, 5, 4, 3], &[0, 8], &[8], window(0, 1, 1)),
            "kernel is 0",
        );
    }

    #[test]
    fn convolutions_of_mixed_types_are_refused() {
        let (x, weight) = (bf16("x", &[1, 1, 1, 3]), f32("weight", &[3, 2]));
        let point = window(1, 1, 0);
        refused(
            conv2d(&x, &weight, &bf16("bias", &[2]), point),
            "weight is of F32 numbers",
        );
        let weight = bf16("weight", &[3, 2]);
        refused(
            conv2d(&x, &weight, &f32("bias", &[2]), point),
            "bias is of F32 numbers",
        );
    }

    #[test]
    fn transposed_convolutions_of_wrong_widths_are_refused() {
        let check = |x: &[usize], weight: &[usize], bias: &[usize], output| {
            let window = Window {
                kernel: [1, 4],
                stride: [1, 2],
                padding: [0, 1],
            };
            let [x, weight, bias] = [f32("x", x), f32("weight", weight), f32("bias", bias)];
            conv_transpose2d(&x, &weight, &bias, window, output)
        };
        assert_eq!(check(&[2, 1, 8, 3], &[3, 20], &[5], [2, 1, 16, 5]), Ok(()));
        refused(
            check(&[2, 1, 7, 3], &[3, 20], &[5], [2, 1, 16, 5]),
            "x is [2, 1, 7, 3]",
        );
        refused(
            check(&[2, 1, 8, 4], &[3, 20], &[5], [2, 1, 16, 5]),
            "allowed: [4, 20]",
        );
        refused(
            check(&[2, 1, 8, 3], &[3, 20], &[4], [2, 1, 16, 5]),
            "bias is [4]",
        );
        refused(
            check(&[2, 1, 8, 3], &[3, 20], &[6], [2, 1, 16, 6]),
            "allowed: [3, 24]",
        );
        refused(
            check(&[1, 1, 8, 3], &[3, 20], &[5], [2, 1, 16, 5]),
            "x is [1, 1, 8, 3]",
        );
    }

    #[test]
    fn gradients_of_another_shape_than_the_output_are_refused() {
        let window = window(3, 2, 1);
        let (x, weight) = (f32("x", &[2, 5, 4, 3]), f32("weight", &[27, 8]));
        let right = f32("gradient", &[2, 3, 2, 8]);
        assert_eq!(
            conv2d_input_gradient(&weight, &right, window, [2, 5, 4, 3]),
            Ok(())
        );
        assert_eq!(conv2d_weight_gradient(&x, &right, window), Ok(()));
        for wrong in [[2, 3, 3, 8], [1, 3, 2, 8]] {
            let wrong = f32("gradient", &wrong);
            let told = "allowed: [2, 3, 2, 8]";
            refused(
                conv2d_input_gradient(&weight, &wrong, window, [2, 5, 4, 3]),
                told,
            );
            refused(conv2d_weight_gradient(&x, &wrong, window), told);
        }
        let narrow = f32("gradient", &[2, 3, 2, 7]);
        refused(
            conv2d_input_gradient(&weight, &narrow, window, [2, 5, 4, 3]),
            "[2, 3, 2, 8]",
        );
        refused(
            conv2d_input_gradient(&weight, &right, window, [2, 5, 4, 4]),
            "allowed: [36, 8]",
        );
        refused(
            conv2d_weight_gradient(&x, &bf16("gradient", &[2, 3, 2, 8]), window),
            "BF16",
        );
        refused(bias_gradient(&f32("gradient", &[2, 3, 8])), "4 dimensions");
        refused(im2col(&f32("x", &[5, 4, 3]), window), "4 dimensions");
        refused(im2col(&f32("x", &[2, 0, 4, 3]), window), "height is 0");
        assert_eq!(im2col(&x, window), Ok(()));
        assert_eq!(
            col2im(&f32("columns", &[12, 27]), window, [2, 5, 4, 3]),
            Ok(())
        );
        refused(
            col2im(&f32("columns", &[12, 27]), window, [2, 6, 6, 3]),
            "allowed: [18, 27]",
        );
        refused(
            col2im(&f32("columns", &[12, 27]), window, [2, 5, 4, 4]),
            "allowed: [12, 36]",
        );
        refused(
            col2im(&f32("columns", &[2, 6, 27]), window, [2, 5, 4, 3]),
            "columns is [2, 6, 27]",
        );
        assert_eq!(bias_gradient(&right), Ok(()));
    }
}
