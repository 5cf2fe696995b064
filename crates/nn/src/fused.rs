//! The layers' costly operations as one backend operation each, with hand-written gradients.
//!
//! burn's flex backend runs a layer as a dozen passes over memory, each with its own allocation and
//! its own node in the graph. Here each such layer is one pass forward and one or two backward, in
//! plain loops over channels-last rows that the compiler turns into the widest vector instructions
//! of the processor. Work is split by the shapes alone, never by the number of threads, and sums are
//! taken in a fixed order: the same input gives the same bits on any number of cores.
//!
//! Only the flex backend has these operations; on a GPU the layers keep their formulation in plain
//! tensor operations, which is also what the tests compare against, but for convolutions of
//! [few rows](crate::few_rows).

// The attribute on `LayerOps` writes the dispatch between backends.
#![allow(missing_docs)]

mod activation;
mod add_relu;
mod again;
#[cfg(test)]
pub(crate) mod agreement;
mod attention;
mod autodiff;
mod block;
mod buffer;
mod convolve;
mod correlate;
mod direct;
mod film;
mod gelu;
mod kept;
mod layer_norm;
mod mish;
mod norm;
mod padded;
mod picture;
mod pool;
pub(crate) mod recycle;
mod spatial;
mod steps;
mod thin;

pub(crate) use activation::Activation;
pub(crate) use block::{convolve, convolve_transposed, film, group_norm, has_blocks};
pub(crate) use picture::Window;
pub(crate) use spatial::place;

use buffer::{tensor, values};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchDevice, Flex, TensorMetadata, backend_extension};
use burn::tensor::{DType, Device, Tensor};

/// Layers as single operations. Layouts are channels-last and row-major.
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

impl LayerOps for Flex {
    fn mish(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let shape = x.shape();
        let x = values(x);
        tensor(mish::forward(x.get()), shape)
    }

    fn spatial_softmax(x: FloatTensor<Self>) -> FloatTensor<Self> {
        spatial::forward(x).0
    }

    fn max_pool(x: FloatTensor<Self>, window: Window) -> FloatTensor<Self> {
        pool::forward(x, window).0
    }

    fn add_relu(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        add_relu::forward(a, b)
    }

    fn gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        gelu::forward(x)
    }

    fn layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self> {
        layer_norm::forward(x, gamma, beta, epsilon)
    }

    fn attention(qkv: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        attention::forward(qkv, heads)
    }
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
