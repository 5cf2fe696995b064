//! [`LayerOps`] on the processor.

use super::buffer::{tensor, values};
use super::{add_relu, attention, gelu, layer_norm, max_pool, mish, spatial_softmax};
use crate::layer_ops::LayerOps;
use crate::window::Window;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};

impl LayerOps for Flex {
    fn mish(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let shape = x.shape();
        let x = values(x);
        tensor(mish::forward(x.get()), shape)
    }

    fn spatial_softmax(x: FloatTensor<Self>) -> FloatTensor<Self> {
        spatial_softmax::forward(x).0
    }

    fn max_pool(x: FloatTensor<Self>, window: Window) -> FloatTensor<Self> {
        max_pool::forward(x, window).0
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
