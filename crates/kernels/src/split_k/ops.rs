//! The operations as backends have them.

// The attribute on the trait writes the dispatch between backends, and reads sizes only where there are kernels.
#![cfg_attr(
    not(feature = "gpu"),
    allow(dead_code, unused_imports, unused_variables)
)]

#[cfg(feature = "gpu")]
use super::convolution;
use super::geometry::{Conv1dGeometry, OutputSize};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, backend_extension};
#[cfg(feature = "gpu")]
use burn::tensor::DType;

/// A convolution's partial sums, and what follows them. Layouts are channels-last and row-major.
#[backend_extension(Cube: cfg(feature = "gpu"), Fusion: cfg(feature = "gpu"))]
pub(crate) trait SplitKOps: Backend {
    /// [B, L, C] with weights [kernel x C, O]: what each split of the weights' rows adds, [S, B x L', O].
    #[fusion(dtype = DType::F32, shape = convolution::sums_shape(x, weight, *geometry))]
    fn partial_sums(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Conv1dGeometry,
    ) -> FloatTensor<Self>;

    /// [`Self::partial_sums`] of `x` and `skip`, [B, L, C] and [B, L, C'], side by side.
    #[fusion(dtype = DType::F32, shape = convolution::sums_shape(x, weight, *geometry))]
    fn partial_sums_with_skip(
        x: FloatTensor<Self>,
        skip: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Conv1dGeometry,
    ) -> FloatTensor<Self>;

    /// The sum of the splits and a bias, [B, L, O].
    #[fusion(dtype = bias, shape = size.shape())]
    fn epilogue(
        sums: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        size: OutputSize,
    ) -> FloatTensor<Self>;

    /// Of a transposed convolution's products with each tap, [S, B x L, 4 O], the sums of those that reach a
    /// place, and a bias, [B, 2 L, O].
    #[fusion(dtype = bias, shape = size.shape())]
    fn epilogue_transposed(
        sums: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        size: OutputSize,
    ) -> FloatTensor<Self>;

    /// The sum of the splits and a bias, its groups normalised, through Mish.
    #[fusion(dtype = bias, shape = size.shape())]
    fn epilogue_norm(
        sums: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        size: OutputSize,
    ) -> FloatTensor<Self>;

    /// [`Self::epilogue_norm`], then scaled and shifted by 2 O numbers from `from` on in each row of
    /// `modulations`, [B, M].
    #[fusion(dtype = bias, shape = size.shape())]
    fn epilogue_norm_film(
        sums: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        modulations: FloatTensor<Self>,
        from: usize,
        size: OutputSize,
    ) -> FloatTensor<Self>;

    /// [`Self::epilogue_norm`] and another tensor of its shape.
    #[fusion(dtype = bias, shape = size.shape())]
    fn epilogue_norm_add(
        sums: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        size: OutputSize,
    ) -> FloatTensor<Self>;

    /// [`Self::epilogue_norm`] and another convolution's partial sums with its bias.
    #[fusion(dtype = bias, shape = size.shape())]
    fn epilogue_norm_add_sums(
        sums: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        residual_bias: FloatTensor<Self>,
        size: OutputSize,
    ) -> FloatTensor<Self>;
}
