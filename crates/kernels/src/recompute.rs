//! Layers computed once more in the backward pass.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::retro_forward::RetroForward;
use burn::backend::autodiff::checkpoint::state::BackwardStates;
use std::marker::PhantomData;

/// A layer's output as a function of what went in.
pub(crate) struct Recompute<T, const N: usize, F> {
    inputs: [NodeId; N],
    forward: F,
    tensor: PhantomData<T>,
}

impl<T, const N: usize, F: Fn([T; N]) -> T> Recompute<T, N, F> {
    pub(crate) fn new(inputs: [NodeId; N], forward: F) -> Self {
        Self {
            inputs,
            forward,
            tensor: PhantomData,
        }
    }
}

impl<T, const N: usize, F> std::fmt::Debug for Recompute<T, N, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recompute")
            .field("inputs", &self.inputs)
            .finish_non_exhaustive()
    }
}

impl<T, const N: usize, F> RetroForward for Recompute<T, N, F>
where
    T: Clone + Send + 'static,
    F: Fn([T; N]) -> T + Send + 'static,
{
    fn forward(&self, states: &mut BackwardStates, out_node: NodeId) {
        let inputs = self.inputs.map(|id| states.get_state::<T>(&id));
        states.save(out_node, (self.forward)(inputs));
    }
}
