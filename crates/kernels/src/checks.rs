//! Which shapes and element types each kernel takes: asked before anything is launched, as a kernel that is
//! given a wrong width reads out of bounds on a GPU.

// Some are asked where a kernel for GPUs is launched only; what they say is tested everywhere.
#![cfg_attr(not(feature = "gpu"), allow(dead_code, unused_imports))]

mod adamw;
mod column_sums;
mod convolution;
mod layers;
mod modulation;
mod normalization;
mod split_k;

pub(crate) use adamw::{adamw, add_squares};
pub(crate) use column_sums::{column_sums, sum_parts};
pub(crate) use convolution::{
    bias_gradient, conv_transpose2d, conv2d, conv2d_input_gradient, conv2d_weight_gradient,
};
pub(crate) use convolution::{col2im, im2col};
pub(crate) use layers::{add_relu, attention, layer_norm, max_pool, on_cpu};
pub(crate) use modulation::{film, film_gradients};
pub(crate) use normalization::{group_norm, group_norm_gradients};
pub(crate) use split_k::{
    Addend, NormOperands, epilogue, epilogue_norm, epilogue_transposed, partial_sums,
};

/// What the tests of the checks share.
#[cfg(test)]
mod refusals {
    use crate::operand::Operand;
    use burn::tensor::DType;

    /// A tensor of 32-bit numbers.
    pub(super) fn f32(name: &'static str, shape: &[usize]) -> Operand {
        Operand::new(name, shape, DType::F32)
    }

    /// A tensor of bf16 numbers.
    pub(super) fn bf16(name: &'static str, shape: &[usize]) -> Operand {
        Operand::new(name, shape, DType::BF16)
    }

    /// Fails unless `checked` is refused with `words` in the message.
    #[track_caller]
    pub(super) fn refused(checked: Result<(), crate::ShapeError>, words: &str) {
        let error = checked.unwrap_err().to_string();
        assert!(error.contains(words), "{error} lacks {words}");
    }
}
