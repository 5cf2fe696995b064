//! [`BlockOps`] with gradients, on any backend that computes them.
//!
//! Layers that cost little beside what they read are `memory_bound`: with gradient checkpointing their
//! outputs are not kept but computed again in the backward pass (Chen et al. 2016, arXiv 1604.06174).
//! Without it everything is kept.

use crate::activation::Activation;
use crate::block_ops::{BlockGradients, BlockOps};
use crate::recompute::Recompute;
use crate::window::Window;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::autodiff::{Autodiff, NodeId};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Shape, TensorMetadata};

impl<B: BlockOps + BlockGradients, C: CheckpointStrategy> BlockOps for Autodiff<B, C> {
    fn conv2d_nhwc(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self> {
        product::<B, C, _>(
            ConvBackward,
            [x, weight, bias],
            window,
            |[x, weight, bias]| B::conv2d_for_training(x, weight, bias, window),
        )
    }

    fn conv_transpose2d_nhwc(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
        output: [usize; 4],
    ) -> FloatTensor<Self> {
        product::<B, C, _>(
            ConvTransposeBackward,
            [x, weight, bias],
            window,
            |[x, weight, bias]| B::conv_transpose2d_nhwc(x, weight, bias, window, output),
        )
    }

    fn group_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        groups: usize,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let again = Recompute::new([x.id(), gamma.id(), beta.id()], move |[x, gamma, beta]| {
            B::group_norm(x, gamma, beta, groups, activation)
        });
        match Backward::<B, 3>::prepare::<C>(
            GroupNormBackward,
            [x.node(), gamma.node(), beta.node()],
        )
        .memory_bound()
        .retro_forward(again)
        .parents([&x, &gamma, &beta])
        .stateful()
        {
            OpsKind::Tracked(mut prep) => {
                let inputs = [&x, &gamma, &beta].map(|t| prep.checkpoint(t));
                let [x, gamma, beta] = [x, gamma, beta].map(|t| t.into_primitive());
                let (out, statistics) =
                    B::group_norm_with_statistics(x, gamma, beta, groups, activation);
                prep.finish((inputs, statistics, activation), out)
            }
            OpsKind::UnTracked(prep) => {
                let [x, gamma, beta] = [x, gamma, beta].map(|t| t.into_primitive());
                prep.finish(B::group_norm(x, gamma, beta, groups, activation))
            }
        }
    }

    fn film(x: FloatTensor<Self>, scale_and_shift: FloatTensor<Self>) -> FloatTensor<Self> {
        let again = Recompute::new([x.id(), scale_and_shift.id()], |[x, film]| B::film(x, film));
        match Backward::<B, 2>::prepare::<C>(FilmBackward, [x.node(), scale_and_shift.node()])
            .memory_bound()
            .retro_forward(again)
            .parents([&x, &scale_and_shift])
            .stateful()
        {
            OpsKind::Tracked(mut prep) => {
                let from = [&x, &scale_and_shift].map(|t| prep.checkpoint(t));
                let out = B::film(x.into_primitive(), scale_and_shift.into_primitive());
                prep.finish(from, out)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::film(
                x.into_primitive(),
                scale_and_shift.into_primitive(),
            )),
        }
    }
}

/// A layer of an input, weights and a bias: only the first two are needed for gradients.
fn product<B: BlockOps, C: CheckpointStrategy, S>(
    step: S,
    from: [FloatTensor<Autodiff<B, C>>; 3],
    window: Window,
    forward: impl FnOnce([FloatTensor<B>; 3]) -> FloatTensor<B>,
) -> FloatTensor<Autodiff<B, C>>
where
    S: Backward<B, 3, State = ([NodeId; 2], Window)>,
{
    let nodes = from.each_ref().map(|t| t.node());
    match step.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(mut prep) => {
            let [x, weight, _] = &from;
            let kept = [x, weight].map(|t| prep.checkpoint(t));
            prep.finish((kept, window), forward(from.map(|t| t.into_primitive())))
        }
        OpsKind::UnTracked(prep) => prep.finish(forward(from.map(|t| t.into_primitive()))),
    }
}

/// What went into a layer: kept, or computed again now.
fn inputs<B: BlockOps, const N: usize>(
    ids: [NodeId; N],
    kept: &mut Checkpointer,
) -> [FloatTensor<B>; N] {
    ids.map(|id| kept.retrieve_node_output(id))
}

#[derive(Debug)]
struct ConvBackward;

impl<B: BlockOps + BlockGradients> Backward<B, 3> for ConvBackward {
    /// The input and the weights.
    type State = ([NodeId; 2], Window);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, kept: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (from, window) = ops.state;
        let [x, weight] = inputs::<B, 2>(from, kept);
        let shape = x.shape();
        let input = [shape[0], shape[1], shape[2], shape[3]];
        let [to_x, to_weight, to_bias] = ops.parents;
        if let Some(parent) = to_x {
            let dx = B::conv2d_input_gradient(weight, gradient.clone(), window, input);
            grads.register::<B>(parent.id, dx);
        }
        if let Some(parent) = to_bias {
            grads.register::<B>(parent.id, B::bias_gradient(gradient.clone()));
        }
        if let Some(parent) = to_weight {
            let dweight = B::conv2d_weight_gradient(x, gradient, window);
            grads.register::<B>(parent.id, dweight);
        }
    }
}

/// The roles of input and output are the other way round than in a [`ConvBackward`].
#[derive(Debug)]
struct ConvTransposeBackward;

impl<B: BlockOps + BlockGradients> Backward<B, 3> for ConvTransposeBackward {
    /// The input and the weights.
    type State = ([NodeId; 2], Window);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, kept: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (from, window) = ops.state;
        let [x, weight] = inputs::<B, 2>(from, kept);
        let [to_x, to_weight, to_bias] = ops.parents;
        if let Some(parent) = to_bias {
            grads.register::<B>(parent.id, B::bias_gradient(gradient.clone()));
        }
        if let Some(parent) = to_x {
            let none = B::float_zeros(
                Shape::from(vec![x.shape()[3]]),
                &x.device(),
                x.dtype().into(),
            );
            let weight = B::float_swap_dims(weight, 0, 1);
            let dx = B::conv2d_for_training(gradient.clone(), weight, none, window);
            grads.register::<B>(parent.id, dx);
        }
        if let Some(parent) = to_weight {
            let dweight = B::conv2d_weight_gradient(gradient, x, window);
            grads.register::<B>(parent.id, B::float_swap_dims(dweight, 0, 1));
        }
    }
}

#[derive(Debug)]
struct GroupNormBackward;

impl<B: BlockOps + BlockGradients> Backward<B, 3> for GroupNormBackward {
    /// x, gamma and beta, and the statistics.
    type State = ([NodeId; 3], FloatTensor<B>, Activation);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, kept: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (from, statistics, activation) = ops.state;
        let [x, gamma, beta] = inputs::<B, 3>(from, kept);
        let (dx, dgamma, dbeta) =
            B::group_norm_gradients(x, gamma, beta, statistics, gradient, activation);
        for (parent, gradient) in ops.parents.into_iter().zip([dx, dgamma, dbeta]) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct FilmBackward;

impl<B: BlockOps + BlockGradients> Backward<B, 2> for FilmBackward {
    type State = [NodeId; 2];

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, kept: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let [x, scale_and_shift] = inputs::<B, 2>(ops.state, kept);
        let (dx, dfilm) = B::film_gradients(x, scale_and_shift, gradient);
        for (parent, gradient) in ops.parents.into_iter().zip([dx, dfilm]) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}
