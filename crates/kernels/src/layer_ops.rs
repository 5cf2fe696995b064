//! Layers that are single operations on the processor; on a GPU they are made of plain tensor operations.

use super::Window;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchDevice, backend_extension};
use burn::tensor::{DType, Device, Tensor};

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

/// Whether these operations run on a tensor like `x`.
pub(crate) fn available<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && computes_on(&x.device())
}

/// Whether these operations are those of `device`.
pub(crate) fn computes_on(device: &Device) -> bool {
    matches!(
        device.as_dispatch().clone().inner(),
        DispatchDevice::Flex(_)
    )
}

/// [`LayerOps::mish`].
pub(crate) fn mish<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as LayerOps>::mish(x.into_dispatch()))
}

/// [`LayerOps::spatial_softmax`].
pub(crate) fn spatial_softmax(x: Tensor<4>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as LayerOps>::spatial_softmax(x.into_dispatch()))
}

/// [`LayerOps::max_pool`].
pub(crate) fn max_pool(x: Tensor<4>, window: Window) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as LayerOps>::max_pool(x.into_dispatch(), window))
}

/// [`LayerOps::add_relu`].
pub(crate) fn add_relu<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as LayerOps>::add_relu(
        a.into_dispatch(),
        b.into_dispatch(),
    ))
}

/// [`LayerOps::gelu`].
pub(crate) fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as LayerOps>::gelu(x.into_dispatch()))
}

/// [`LayerOps::layer_norm`].
pub(crate) fn layer_norm<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f32,
) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as LayerOps>::layer_norm(
        x.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        epsilon,
    ))
}

/// [`LayerOps::attention`].
pub(crate) fn attention(qkv: Tensor<3>, heads: usize) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as LayerOps>::attention(
        qkv.into_dispatch(),
        heads,
    ))
}
