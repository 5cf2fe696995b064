//! Whether and how a tensor tracks gradients.

use burn::tensor::{GradientCheckpointingStrategy, Tensor};

/// How one tensor does, for another to do the same.
#[derive(Clone, Copy)]
pub(crate) struct GradMode {
    strategy: Option<GradientCheckpointingStrategy>,
    required: bool,
}

impl GradMode {
    pub(crate) fn of<const D: usize>(tensor: &Tensor<D>) -> Self {
        Self {
            strategy: tensor.gradient_checkpointing_strategy(),
            required: tensor.is_require_grad(),
        }
    }

    /// `value`, which tracks no gradients yet.
    pub(crate) fn on<const D: usize>(self, value: Tensor<D>) -> Tensor<D> {
        match self.strategy {
            Some(strategy) => value
                .autodiff()
                .with_gradient_checkpointing_strategy(strategy)
                .set_require_grad(self.required),
            None => value,
        }
    }
}
