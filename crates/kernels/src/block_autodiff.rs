//! [`BlockOps`] with gradients, on any backend that computes them.
//!
//! Layers that cost little beside what they read are `memory_bound`: with gradient checkpointing their
//! outputs are not kept but computed again in the backward pass (Chen et al. 2016, arXiv 1604.06174).
//! Without it everything is kept.

use super::activation::Activation;
use super::again::Again;
use super::blocks::{BlockGradients, BlockOps};
use super::window::Window;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::autodiff::{Autodiff, NodeId};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Shape, TensorMetadata};

impl<B: BlockOps + BlockGradients, C: CheckpointStrategy> BlockOps for Autodiff<B, C> {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self> {
        product::<B, C, _>(
            ConvolveStep,
            [x, weight, bias],
            window,
            |[x, weight, bias]| B::convolve_for_gradients(x, weight, bias, window),
        )
    }

    fn convolve_transposed(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
        output: [usize; 4],
    ) -> FloatTensor<Self> {
        product::<B, C, _>(
            TransposedStep,
            [x, weight, bias],
            window,
            |[x, weight, bias]| B::convolve_transposed(x, weight, bias, window, output),
        )
    }

    fn group_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        groups: usize,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let again = Again::new([x.id(), gamma.id(), beta.id()], move |[x, gamma, beta]| {
            B::group_norm(x, gamma, beta, groups, activation)
        });
        match Backward::<B, 3>::prepare::<C>(GroupNormStep, [x.node(), gamma.node(), beta.node()])
            .memory_bound()
            .retro_forward(again)
            .parents([&x, &gamma, &beta])
            .stateful()
        {
            OpsKind::Tracked(mut prep) => {
                let inputs = [&x, &gamma, &beta].map(|t| prep.checkpoint(t));
                let [x, gamma, beta] = [x, gamma, beta].map(|t| t.into_primitive());
                let (out, moments) = B::group_norm_with_moments(x, gamma, beta, groups, activation);
                prep.finish((inputs, moments, activation), out)
            }
            OpsKind::UnTracked(prep) => {
                let [x, gamma, beta] = [x, gamma, beta].map(|t| t.into_primitive());
                prep.finish(B::group_norm(x, gamma, beta, groups, activation))
            }
        }
    }

    fn film(x: FloatTensor<Self>, scale_and_shift: FloatTensor<Self>) -> FloatTensor<Self> {
        let again = Again::new([x.id(), scale_and_shift.id()], |[x, film]| B::film(x, film));
        match Backward::<B, 2>::prepare::<C>(FilmStep, [x.node(), scale_and_shift.node()])
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
struct ConvolveStep;

impl<B: BlockOps + BlockGradients> Backward<B, 3> for ConvolveStep {
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
            let dx = B::convolve_gradient_of_input(weight, gradient.clone(), window, input);
            grads.register::<B>(parent.id, dx);
        }
        if let Some(parent) = to_bias {
            grads.register::<B>(parent.id, B::sum_places(gradient.clone()));
        }
        if let Some(parent) = to_weight {
            let dweight = B::convolve_gradient_of_weights(x, gradient, window);
            grads.register::<B>(parent.id, dweight);
        }
    }
}

/// The roles of input and output are the other way round than in a [`ConvolveStep`].
#[derive(Debug)]
struct TransposedStep;

impl<B: BlockOps + BlockGradients> Backward<B, 3> for TransposedStep {
    /// The input and the weights.
    type State = ([NodeId; 2], Window);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, kept: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (from, window) = ops.state;
        let [x, weight] = inputs::<B, 2>(from, kept);
        let [to_x, to_weight, to_bias] = ops.parents;
        if let Some(parent) = to_bias {
            grads.register::<B>(parent.id, B::sum_places(gradient.clone()));
        }
        if let Some(parent) = to_x {
            let none = B::float_zeros(
                Shape::from(vec![x.shape()[3]]),
                &x.device(),
                x.dtype().into(),
            );
            let weight = B::float_swap_dims(weight, 0, 1);
            let dx = B::convolve_for_gradients(gradient.clone(), weight, none, window);
            grads.register::<B>(parent.id, dx);
        }
        if let Some(parent) = to_weight {
            let dweight = B::convolve_gradient_of_weights(gradient, x, window);
            grads.register::<B>(parent.id, B::float_swap_dims(dweight, 0, 1));
        }
    }
}

#[derive(Debug)]
struct GroupNormStep;

impl<B: BlockOps + BlockGradients> Backward<B, 3> for GroupNormStep {
    /// x, gamma and beta, and the moments.
    type State = ([NodeId; 3], FloatTensor<B>, Activation);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, kept: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (from, moments, activation) = ops.state;
        let [x, gamma, beta] = inputs::<B, 3>(from, kept);
        let (dx, dgamma, dbeta) =
            B::group_norm_gradients(x, gamma, beta, moments, gradient, activation);
        for (parent, gradient) in ops.parents.into_iter().zip([dx, dgamma, dbeta]) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct FilmStep;

impl<B: BlockOps + BlockGradients> Backward<B, 2> for FilmStep {
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
