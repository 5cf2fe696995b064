//! Layers that are single operations on the processor.

use crate::operand::Operand;
use crate::placement::is_cpu;
use crate::{ShapeError, Window};
use burn::tensor::{DType, Tensor};

/// Places of a pooling window at most along a side: with these, each has a number of 8 bits.
const MAX_KERNEL: usize = 15;

/// Refuses tensors that are not of 32-bit numbers on the processor.
pub(crate) fn on_cpu<const D: usize>(
    operation: &'static str,
    name: &'static str,
    tensor: &Tensor<D>,
) -> Result<Operand, ShapeError> {
    let device = tensor.device();
    ShapeError::unless(
        is_cpu(&device),
        operation,
        name,
        format_args!("on {device:?}"),
        "on the processor",
    )?;
    let operand = Operand::of(name, tensor);
    operand.has_dtype(operation, DType::F32)?;
    Ok(operand)
}

/// Two tensors of one shape.
pub(crate) fn add_relu(a: &Operand, b: &Operand) -> Result<(), ShapeError> {
    b.is_like("add_relu", a)
}

/// x [.., C] with gamma and beta `[C]`.
pub(crate) fn layer_norm(x: &Operand, gamma: &Operand, beta: &Operand) -> Result<(), ShapeError> {
    let name = "layer_norm";
    let channels = x.shape().last().copied().unwrap_or_default();
    for affine in [gamma, beta] {
        affine.has_shape(name, &[channels], "a number a channel of x")?;
        affine.has_dtype(name, x.dtype())?;
    }
    Ok(())
}

/// Queries, keys and values [B, N, 3 x heads x D].
pub(crate) fn attention(qkv: &Operand, heads: usize) -> Result<(), ShapeError> {
    let [_, _, width] = qkv.dims("attention")?;
    ShapeError::unless(
        heads > 0,
        "attention",
        "number of heads",
        heads,
        "1 or more",
    )?;
    ShapeError::unless(
        width.is_multiple_of(3 * heads),
        "attention",
        "width of queries, keys and values",
        width,
        format_args!("a multiple of 3 times the {heads} heads"),
    )
}

/// x [B, H, W, C] under a window of at most 15 x 15 places that covers a pixel wherever it lies.
pub(crate) fn max_pool(x: &Operand, window: Window) -> Result<(), ShapeError> {
    let name = "max_pool";
    let [_, height, width, _] = x.dims(name)?;
    window.check(name, [height, width])?;
    for (kernel, padding) in window.kernel.into_iter().zip(window.padding) {
        ShapeError::unless(kernel <= MAX_KERNEL, name, "kernel", kernel, MAX_KERNEL)?;
        ShapeError::unless(
            padding < kernel,
            name,
            "padding",
            padding,
            format_args!("less than the kernel of {kernel}, so that no window is empty"),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::refusals::{bf16, f32, refused};
    use burn::tensor::Device;

    #[test]
    fn only_32_bits_on_the_processor_are_taken() {
        let device = Device::flex();
        let x = Tensor::<2>::zeros([2, 3], &device);
        assert!(on_cpu("mish", "x", &x).is_ok());
        let half = Tensor::<2>::zeros([2, 3], (&device, DType::F16));
        let error = on_cpu("mish", "x", &half).map(|_| ());
        refused(error, "mish: x is of F16 numbers, allowed: F32");
    }

    #[test]
    fn sums_of_two_shapes_are_refused() {
        let a = f32("a", &[2, 3]);
        assert_eq!(add_relu(&a, &f32("b", &[2, 3])), Ok(()));
        refused(
            add_relu(&a, &f32("b", &[3, 2])),
            "b is [3, 2], allowed: [2, 3], as a",
        );
        refused(add_relu(&a, &f32("b", &[6])), "b is [6]");
    }

    #[test]
    fn layer_norms_of_wrong_widths_are_refused() {
        let check = |x: &[usize], gamma: &[usize], beta: &[usize]| {
            layer_norm(&f32("x", x), &f32("gamma", gamma), &f32("beta", beta))
        };
        assert_eq!(check(&[2, 5, 6], &[6], &[6]), Ok(()));
        refused(check(&[2, 5, 7], &[6], &[6]), "gamma is [6], allowed: [7]");
        refused(check(&[2, 5, 6], &[6], &[7]), "beta is [7], allowed: [6]");
        let mixed = layer_norm(&f32("x", &[2, 6]), &f32("gamma", &[6]), &bf16("beta", &[6]));
        refused(mixed, "beta is of BF16 numbers");
    }

    #[test]
    fn attention_needs_whole_heads() {
        assert_eq!(attention(&f32("qkv", &[2, 5, 24]), 4), Ok(()));
        refused(
            attention(&f32("qkv", &[2, 5, 26]), 4),
            "is 26, allowed: a multiple of 3 times",
        );
        refused(
            attention(&f32("qkv", &[2, 5, 24]), 0),
            "number of heads is 0",
        );
        refused(attention(&f32("qkv", &[5, 24]), 4), "3 dimensions");
    }

    #[test]
    fn pooling_windows_that_miss_the_picture_are_refused() {
        let check = |x: &[usize], kernel, stride, padding| {
            let window = Window {
                kernel: [kernel; 2],
                stride: [stride; 2],
                padding: [padding; 2],
            };
            max_pool(&f32("x", x), window)
        };
        assert_eq!(check(&[2, 8, 9, 5], 3, 2, 1), Ok(()));
        refused(
            check(&[2, 2, 9, 5], 3, 2, 0),
            "height is 2, allowed: 3 or more",
        );
        refused(
            check(&[2, 20, 20, 5], 16, 2, 0),
            "kernel is 16, allowed: 15",
        );
        refused(check(&[2, 8, 9, 5], 3, 2, 3), "padding is 3");
        refused(check(&[2, 8, 9, 5], 3, 0, 1), "stride is 0");
        refused(check(&[8, 9, 5], 3, 2, 1), "4 dimensions");
    }
}
