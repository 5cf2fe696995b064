//! Layers computed once more in the backward pass.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::retro_forward::RetroForward;
use burn::backend::autodiff::checkpoint::state::BackwardStates;
use burn::backend::flex::FlexTensor;

/// A layer's output as a function of what went in.
pub(super) struct Again<const N: usize, F> {
    inputs: [NodeId; N],
    forward: F,
}

impl<const N: usize, F: Fn([FlexTensor; N]) -> FlexTensor> Again<N, F> {
    pub(super) fn new(inputs: [NodeId; N], forward: F) -> Self {
        Self { inputs, forward }
    }
}

impl<const N: usize, F> std::fmt::Debug for Again<N, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Again")
            .field("inputs", &self.inputs)
            .finish_non_exhaustive()
    }
}

impl<const N: usize, F> RetroForward for Again<N, F>
where
    F: Fn([FlexTensor; N]) -> FlexTensor + Send + 'static,
{
    fn forward(&self, states: &mut BackwardStates, out_node: NodeId) {
        let inputs = self.inputs.map(|id| states.get_state::<FlexTensor>(&id));
        states.save(out_node, (self.forward)(inputs));
    }
}
