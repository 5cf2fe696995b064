//! What each layer's gradients are computed from.

use super::buffer::{values, writable};
use super::{add_relu, attention, gelu, layer_norm, max_pool, mish, spatial_softmax};
use burn::backend::Flex;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, unary};
use burn::backend::flex::FlexTensor;

/// What went into a layer: kept, or computed again now.
fn inputs<const N: usize>(ids: [NodeId; N], checkpointer: &mut Checkpointer) -> [FlexTensor; N] {
    ids.map(|id| checkpointer.retrieve_node_output(id))
}

#[derive(Debug)]
pub(super) struct MishBackward;

impl Backward<Flex, 1> for MishBackward {
    type State = NodeId;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, kept: &mut Checkpointer) {
        let [x] = inputs([ops.state], kept);
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            let (x, mut gradient) = (values(x), writable(gradient));
            mish::backward(x.get(), gradient.get_mut());
            x.release();
            gradient.into_tensor()
        });
    }
}

#[derive(Debug)]
pub(super) struct SpatialSoftmaxBackward;

impl Backward<Flex, 1> for SpatialSoftmaxBackward {
    type State = (NodeId, spatial_softmax::SoftmaxStatistics);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, kept: &mut Checkpointer) {
        let (from, statistics) = ops.state;
        let [x] = inputs([from], kept);
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            spatial_softmax::backward(x, &statistics, gradient)
        });
    }
}

#[derive(Debug)]
pub(super) struct MaxPoolBackward;

impl Backward<Flex, 1> for MaxPoolBackward {
    type State = max_pool::MaxIndices;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let indices = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            max_pool::backward(&indices, gradient)
        });
    }
}

#[derive(Debug)]
pub(super) struct AddReluBackward;

/// The output says where it let gradients through. Others keep it anyway, unless they compute it again
/// too.
#[derive(Clone, Debug)]
pub(super) enum Sum {
    Kept(FlexTensor),
    Of([NodeId; 2]),
}

impl Backward<Flex, 2> for AddReluBackward {
    type State = Sum;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, kept: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node);
        let out = match ops.state {
            Sum::Kept(out) => out,
            Sum::Of(ids) => {
                let [a, b] = inputs(ids, kept);
                add_relu::forward(a, b)
            }
        };
        let gradient = add_relu::backward(out, gradient);
        for parent in ops.parents.into_iter().flatten() {
            grads.register::<Flex>(parent.id, gradient.clone());
        }
    }
}

#[derive(Debug)]
pub(super) struct GeluBackward;

impl Backward<Flex, 1> for GeluBackward {
    type State = NodeId;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, kept: &mut Checkpointer) {
        let [x] = inputs([ops.state], kept);
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            gelu::backward(x, gradient)
        });
    }
}

#[derive(Debug)]
pub(super) struct LayerNormBackward;

impl Backward<Flex, 3> for LayerNormBackward {
    type State = ([NodeId; 2], f32);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, kept: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node);
        let (from, epsilon) = ops.state;
        let [x, gamma] = inputs(from, kept);
        let gradients = layer_norm::backward(x, gamma, epsilon, gradient);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(parent) = parent {
                grads.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct AttentionBackward;

impl Backward<Flex, 1> for AttentionBackward {
    type State = (NodeId, usize);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, kept: &mut Checkpointer) {
        let (from, heads) = ops.state;
        let [qkv] = inputs([from], kept);
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            attention::backward(qkv, heads, gradient)
        });
    }
}
