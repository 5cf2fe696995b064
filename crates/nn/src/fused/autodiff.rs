//! The gradients of [`LayerOps`], written out.

use super::activation::Activation;
use super::buffer::{tensor, values, writable};
use super::convolve::{self, ConvGradients, gradients};
use super::picture::{Picture, Window};
use super::{LayerOps, add_relu, attention, film, gelu, layer_norm, mish, norm, pool, spatial};
use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};

#[derive(Debug)]
struct GroupNormStep;

impl Backward<Flex, 3> for GroupNormStep {
    type State = norm::Saved;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node);
        let (dx, dgamma, dbeta) = norm::backward(ops.state, gradient);
        for (parent, gradient) in ops.parents.into_iter().zip([dx, dgamma, dbeta]) {
            if let Some(parent) = parent {
                grads.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct MishStep;

impl Backward<Flex, 1> for MishStep {
    type State = FlexTensor;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            let (x, mut gradient) = (values(ops.state), writable(gradient));
            mish::backward(x.get(), gradient.get_mut());
            x.recycle();
            gradient.into_tensor()
        });
    }
}

#[derive(Debug)]
struct FilmStep;

impl Backward<Flex, 2> for FilmStep {
    type State = (FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node);
        let (x, scale_and_shift) = ops.state;
        let (dx, dfilm) = film::backward(x, scale_and_shift, gradient);
        for (parent, gradient) in ops.parents.into_iter().zip([dx, dfilm]) {
            if let Some(parent) = parent {
                grads.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct ConvolveStep;

impl Backward<Flex, 3> for ConvolveStep {
    type State = (FlexTensor, FlexTensor, Window);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node);
        let (x, weight, window) = ops.state;
        let (input, kernel) = (x.shape(), weight.shape());
        let channels = kernel[1];
        let picture = Picture::new(window, &input);
        let [to_x, to_weight, to_bias] = ops.parents;
        let (x, weight, gradient) = (values(x), values(weight), values(gradient));
        let ConvGradients {
            x: dx,
            weight: dweight,
            bias: dbias,
        } = gradients(
            x.get(),
            weight.get(),
            gradient.get(),
            channels,
            &picture,
            to_x.is_some(),
        );
        x.recycle();
        gradient.recycle();
        if let Some(parent) = to_x {
            grads.register::<Flex>(parent.id, tensor(dx, input));
        }
        if let Some(parent) = to_weight {
            grads.register::<Flex>(parent.id, tensor(dweight, kernel));
        }
        if let Some(parent) = to_bias {
            grads.register::<Flex>(parent.id, tensor(dbias, [channels].into()));
        }
    }
}

#[derive(Debug)]
struct SpatialSoftmaxStep;

impl Backward<Flex, 1> for SpatialSoftmaxStep {
    type State = (FlexTensor, spatial::Peaks);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (x, peaks) = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            spatial::backward(x, &peaks, gradient)
        });
    }
}

#[derive(Debug)]
struct MaxPoolStep;

impl Backward<Flex, 1> for MaxPoolStep {
    type State = pool::Chosen;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let chosen = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            pool::backward(&chosen, gradient)
        });
    }
}

#[derive(Debug)]
struct AddReluStep;

impl Backward<Flex, 2> for AddReluStep {
    type State = FlexTensor;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node);
        let gradient = add_relu::backward(ops.state, gradient);
        for parent in ops.parents.into_iter().flatten() {
            grads.register::<Flex>(parent.id, gradient.clone());
        }
    }
}

#[derive(Debug)]
struct GeluStep;

impl Backward<Flex, 1> for GeluStep {
    type State = FlexTensor;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let x = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            gelu::backward(x, gradient)
        });
    }
}

#[derive(Debug)]
struct LayerNormStep;

impl Backward<Flex, 3> for LayerNormStep {
    type State = (FlexTensor, FlexTensor, f32);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node);
        let (x, gamma, epsilon) = ops.state;
        let gradients = layer_norm::backward(x, gamma, epsilon, gradient);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(parent) = parent {
                grads.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct AttentionStep;

impl Backward<Flex, 1> for AttentionStep {
    type State = (FlexTensor, usize);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (qkv, heads) = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            attention::backward(qkv, heads, gradient)
        });
    }
}

impl<C: CheckpointStrategy> LayerOps for Autodiff<Flex, C> {
    fn group_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        groups: usize,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), gamma.node(), beta.node()];
        let (x, gamma, beta) = (
            x.into_primitive(),
            gamma.into_primitive(),
            beta.into_primitive(),
        );
        match GroupNormStep.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (out, moments) =
                    norm::forward(x.clone(), gamma.clone(), beta.clone(), groups, activation);
                let saved = norm::Saved {
                    x,
                    gamma,
                    beta,
                    moments,
                    groups,
                    activation,
                };
                prep.finish(saved, out)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(norm::forward(x, gamma, beta, groups, activation).0)
            }
        }
    }

    fn mish(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [x.node()];
        let x = x.into_primitive();
        match MishStep.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let out = Flex::mish(x.clone());
                prep.finish(x, out)
            }
            OpsKind::UnTracked(prep) => prep.finish(Flex::mish(x)),
        }
    }

    fn film(x: FloatTensor<Self>, scale_and_shift: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [x.node(), scale_and_shift.node()];
        let (x, film) = (x.into_primitive(), scale_and_shift.into_primitive());
        match FilmStep.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let out = Flex::film(x.clone(), film.clone());
                prep.finish((x, film), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(Flex::film(x, film)),
        }
    }

    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let (x, weight, bias) = (
            x.into_primitive(),
            weight.into_primitive(),
            bias.into_primitive(),
        );
        match ConvolveStep.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let out = convolve::forward(x.clone(), weight.clone(), bias, window, false);
                prep.finish((x, weight, window), out)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(convolve::forward(x, weight, bias, window, false))
            }
        }
    }

    fn spatial_softmax(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [x.node()];
        let x = x.into_primitive();
        match SpatialSoftmaxStep
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let (out, peaks) = spatial::forward(x.clone());
                prep.finish((x, peaks), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(spatial::forward(x).0),
        }
    }

    fn max_pool(x: FloatTensor<Self>, window: Window) -> FloatTensor<Self> {
        let nodes = [x.node()];
        let x = x.into_primitive();
        match MaxPoolStep.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (out, chosen) = pool::forward(x, window);
                prep.finish(chosen, out)
            }
            OpsKind::UnTracked(prep) => prep.finish(pool::forward(x, window).0),
        }
    }

    fn add_relu(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [a.node(), b.node()];
        let out = add_relu::forward(a.into_primitive(), b.into_primitive());
        match AddReluStep.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(out.clone(), out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [x.node()];
        let x = x.into_primitive();
        match GeluStep.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let out = gelu::forward(x.clone());
                prep.finish(x, out)
            }
            OpsKind::UnTracked(prep) => prep.finish(gelu::forward(x)),
        }
    }

    fn layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), gamma.node(), beta.node()];
        let (x, gamma) = (x.into_primitive(), gamma.into_primitive());
        let out = layer_norm::forward(x.clone(), gamma.clone(), beta.into_primitive(), epsilon);
        match LayerNormStep.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, gamma, epsilon), out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn attention(qkv: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        let nodes = [qkv.node()];
        let qkv = qkv.into_primitive();
        let out = attention::forward(qkv.clone(), heads);
        match AttentionStep.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((qkv, heads), out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }
}
