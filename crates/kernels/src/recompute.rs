//! Layers computed once more in the backward pass.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::retro_forward::RetroForward;
use burn::backend::autodiff::checkpoint::state::BackwardStates;
use std::marker::PhantomData;

/// A layer's output as a function of what went in.
pub(super) struct Again<T, const N: usize, F> {
    inputs: [NodeId; N],
    forward: F,
    tensor: PhantomData<T>,
}

impl<T, const N: usize, F: Fn([T; N]) -> T> Again<T, N, F> {
    pub(super) fn new(inputs: [NodeId; N], forward: F) -> Self {
        Self {
            inputs,
            forward,
            tensor: PhantomData,
        }
    }
}

impl<T, const N: usize, F> std::fmt::Debug for Again<T, N, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Again")
            .field("inputs", &self.inputs)
            .finish_non_exhaustive()
    }
}

impl<T, const N: usize, F> RetroForward for Again<T, N, F>
where
    T: Clone + Send + 'static,
    F: Fn([T; N]) -> T + Send + 'static,
{
    fn forward(&self, states: &mut BackwardStates, out_node: NodeId) {
        let inputs = self.inputs.map(|id| states.get_state::<T>(&id));
        states.save(out_node, (self.forward)(inputs));
    }
}

#[cfg(test)]
mod tests {
    use crate::{Conv1d, GroupNormMish, gaussian};
    use burn::backend::TensorMetadata as _;
    use burn::tensor::{Device, Tensor};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// Whether a normalisation's output, which a convolution's gradient needs, is still held once both
    /// have answered.
    fn is_kept(device: &Device) -> bool {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let norm = GroupNormMish::new(2, 4, device).unwrap();
        let convolution = Conv1d::new(4, 4, 3, 1, 1, &mut rng, device);
        let x: Tensor<3> = gaussian([2, 8, 4], &mut rng, device).require_grad();
        let between = norm.forward(x);
        let out = convolution.forward(between.clone());
        let kept = !between.into_dispatch().can_mut();
        drop(out);
        kept
    }

    #[test]
    fn outputs_of_cheap_layers_are_kept_only_without_checkpointing() {
        let device = Device::flex().autodiff();
        assert!(is_kept(&device));
        assert!(!is_kept(&device.gradient_checkpointing()));
    }
}
