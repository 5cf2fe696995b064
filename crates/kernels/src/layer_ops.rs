//! Layers that are single operations on the processor; on a GPU they are made of plain tensor operations.

use crate::checks;
use crate::operand::Operand;
use crate::placement::is_cpu;
use crate::shape_error::require;
use crate::window::Window;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{DType, Tensor};

/// Layers. Layouts are channels-last and row-major.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait LayerOps: Backend {
    /// `x tanh(softplus(x))` of each number.
    fn mish(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Expected positions, [B, 2 C], under a softmax over the positions of [B, H, W, C].
    fn spatial_softmax(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The largest number under a window over [B, H, W, C].
    fn max_pool(x: FloatTensor<Self>, window: Window) -> FloatTensor<Self>;

    /// `max(a + b, 0)` of two tensors of one shape.
    fn add_relu(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;

    /// `x Phi(x)` of each number.
    fn gelu(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Layer normalisation of the rows of [.., C].
    fn layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self>;

    /// Self-attention of [B, N, 3 x heads x D], queries, keys and values.
    fn attention(qkv: FloatTensor<Self>, heads: usize) -> FloatTensor<Self>;
}

/// Whether these operations run on a tensor like `x`: 32-bit numbers on the processor.
#[must_use]
pub fn has_cpu_kernels<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && is_cpu(&x.device())
}

/// `x tanh(softplus(x))` of each number (Misra 2019, arXiv 1908.08681).
///
/// # Panics
/// When `x` is not of 32-bit numbers on the processor.
#[must_use]
pub fn mish<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    require(checks::on_cpu("mish", "x", &x));
    Tensor::from_dispatch(<Dispatch as LayerOps>::mish(x.into_dispatch()))
}

/// Expected positions, x of every channel, then y, [B, 2 C], under a softmax over the positions of
/// [B, H, W, C]; each from -1 to 1 (Levine et al. 2016, arXiv 1504.00702).
///
/// # Panics
/// When `x` is not of 32-bit numbers on the processor.
#[must_use]
pub fn spatial_softmax(x: Tensor<4>) -> Tensor<2> {
    require(checks::on_cpu("spatial_softmax", "x", &x));
    Tensor::from_dispatch(<Dispatch as LayerOps>::spatial_softmax(x.into_dispatch()))
}

/// The largest number under a window over [B, H, W, C], [B, H', W', C]; what lies outside the picture never
/// counts. The window has at most 15 x 15 places.
///
/// # Panics
/// When `x` is not of 32-bit numbers on the processor, or the window does not fit it.
#[must_use]
pub fn max_pool(x: Tensor<4>, window: Window) -> Tensor<4> {
    let operand = require(checks::on_cpu("max_pool", "x", &x));
    require(checks::max_pool(&operand, window));
    Tensor::from_dispatch(<Dispatch as LayerOps>::max_pool(x.into_dispatch(), window))
}

/// `max(a + b, 0)` of two tensors of one shape.
///
/// # Panics
/// When the shapes differ, or the tensors are not of 32-bit numbers on the processor.
#[must_use]
pub fn add_relu<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    let left = require(checks::on_cpu("add_relu", "a", &a));
    let right = require(checks::on_cpu("add_relu", "b", &b));
    require(checks::add_relu(&left, &right));
    Tensor::from_dispatch(<Dispatch as LayerOps>::add_relu(
        a.into_dispatch(),
        b.into_dispatch(),
    ))
}

/// `x Phi(x)` of each number (Hendrycks and Gimpel 2016, arXiv 1606.08415).
///
/// # Panics
/// When `x` is not of 32-bit numbers on the processor.
#[must_use]
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    require(checks::on_cpu("gelu", "x", &x));
    Tensor::from_dispatch(<Dispatch as LayerOps>::gelu(x.into_dispatch()))
}

/// Layer normalisation of the rows of [.., C] with scales and shifts `[C]` (Ba et al. 2016, arXiv 1607.06450).
///
/// # Panics
/// When the widths differ, or the tensors are not of 32-bit numbers on the processor.
#[must_use]
pub fn layer_norm<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f32,
) -> Tensor<D> {
    let operand = require(checks::on_cpu("layer_norm", "x", &x));
    require(checks::layer_norm(
        &operand,
        &Operand::of("gamma", &gamma),
        &Operand::of("beta", &beta),
    ));
    Tensor::from_dispatch(<Dispatch as LayerOps>::layer_norm(
        x.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        epsilon,
    ))
}

/// Self-attention of queries, keys and values side by side, [B, N, 3 x heads x D], to [B, N, heads x D]
/// (Vaswani et al. 2017, arXiv 1706.03762).
///
/// # Panics
/// When the width cannot be divided into the heads, or `qkv` is not of 32-bit numbers on the processor.
#[must_use]
pub fn attention(qkv: Tensor<3>, heads: usize) -> Tensor<3> {
    let operand = require(checks::on_cpu("attention", "qkv", &qkv));
    require(checks::attention(&operand, heads));
    Tensor::from_dispatch(<Dispatch as LayerOps>::attention(
        qkv.into_dispatch(),
        heads,
    ))
}
