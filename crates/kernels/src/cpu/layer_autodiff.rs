//! [`LayerOps`] with gradients, kept or computed again as [blocks](super::super::tracked)' are.

use super::layer_gradients::{
    AddReluBackward, AttentionBackward, GeluBackward, LayerNormBackward, MaxPoolBackward,
    MishBackward, SpatialSoftmaxBackward, Sum,
};
use super::{add_relu, attention, gelu, layer_norm, max_pool, spatial_softmax};
use crate::layer_ops::LayerOps;
use crate::recompute::Recompute;
use crate::window::Window;
use burn::backend::Flex;
use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::strategy::{CheckpointStrategy, NoCheckpointing};
use burn::backend::autodiff::ops::{Backward, OpsKind};
use burn::backend::tensor::FloatTensor;
use std::any::TypeId;

/// Whether cheap layers are computed again rather than their outputs kept.
fn recomputes<C: CheckpointStrategy>() -> bool {
    TypeId::of::<C>() != TypeId::of::<NoCheckpointing>()
}

impl<C: CheckpointStrategy> LayerOps for Autodiff<Flex, C> {
    fn mish(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let again = Recompute::new([x.id()], |[x]| Flex::mish(x));
        match MishBackward
            .prepare::<C>([x.node()])
            .memory_bound()
            .retro_forward(again)
            .parents([&x])
            .stateful()
        {
            OpsKind::Tracked(mut prep) => {
                let from = prep.checkpoint(&x);
                prep.finish(from, Flex::mish(x.into_primitive()))
            }
            OpsKind::UnTracked(prep) => prep.finish(Flex::mish(x.into_primitive())),
        }
    }

    fn spatial_softmax(x: FloatTensor<Self>) -> FloatTensor<Self> {
        match SpatialSoftmaxBackward
            .prepare::<C>([x.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(mut prep) => {
                let from = prep.checkpoint(&x);
                let (out, statistics) = spatial_softmax::forward(x.into_primitive());
                prep.finish((from, statistics), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(spatial_softmax::forward(x.into_primitive()).0),
        }
    }

    fn max_pool(x: FloatTensor<Self>, window: Window) -> FloatTensor<Self> {
        let nodes = [x.node()];
        let x = x.into_primitive();
        match MaxPoolBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let (out, indices) = max_pool::forward(x, window);
                prep.finish(indices, out)
            }
            OpsKind::UnTracked(prep) => prep.finish(max_pool::forward(x, window).0),
        }
    }

    fn add_relu(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let again = Recompute::new([a.id(), b.id()], |[a, b]| add_relu::forward(a, b));
        match AddReluBackward
            .prepare::<C>([a.node(), b.node()])
            .memory_bound()
            .retro_forward(again)
            .parents([&a, &b])
            .stateful()
        {
            OpsKind::Tracked(mut prep) => {
                let of = recomputes::<C>().then(|| [&a, &b].map(|t| prep.checkpoint(t)));
                let out = add_relu::forward(a.into_primitive(), b.into_primitive());
                let sum = of.map_or_else(|| Sum::Kept(out.clone()), Sum::Of);
                prep.finish(sum, out)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(add_relu::forward(a.into_primitive(), b.into_primitive()))
            }
        }
    }

    fn gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let again = Recompute::new([x.id()], |[x]| gelu::forward(x));
        match GeluBackward
            .prepare::<C>([x.node()])
            .memory_bound()
            .retro_forward(again)
            .parents([&x])
            .stateful()
        {
            OpsKind::Tracked(mut prep) => {
                let from = prep.checkpoint(&x);
                prep.finish(from, gelu::forward(x.into_primitive()))
            }
            OpsKind::UnTracked(prep) => prep.finish(gelu::forward(x.into_primitive())),
        }
    }

    fn layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self> {
        let again = Recompute::new([x.id(), gamma.id(), beta.id()], move |[x, gamma, beta]| {
            layer_norm::forward(x, gamma, beta, epsilon)
        });
        match LayerNormBackward
            .prepare::<C>([x.node(), gamma.node(), beta.node()])
            .memory_bound()
            .retro_forward(again)
            .parents([&x, &gamma, &beta])
            .stateful()
        {
            OpsKind::Tracked(mut prep) => {
                let from = [&x, &gamma].map(|t| prep.checkpoint(t));
                let [x, gamma, beta] = [x, gamma, beta].map(|t| t.into_primitive());
                prep.finish(
                    (from, epsilon),
                    layer_norm::forward(x, gamma, beta, epsilon),
                )
            }
            OpsKind::UnTracked(prep) => {
                let [x, gamma, beta] = [x, gamma, beta].map(|t| t.into_primitive());
                prep.finish(layer_norm::forward(x, gamma, beta, epsilon))
            }
        }
    }

    fn attention(qkv: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        match AttentionBackward
            .prepare::<C>([qkv.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(mut prep) => {
                let from = prep.checkpoint(&qkv);
                let out = attention::forward(qkv.into_primitive(), heads);
                prep.finish((from, heads), out)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(attention::forward(qkv.into_primitive(), heads))
            }
        }
    }
}
