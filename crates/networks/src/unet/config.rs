//! Sizes of the network.

use apprentice_nn::ShapeError;

/// Sizes of a [`UNet1d`](super::UNet1d).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UNetConfig {
    /// Numbers of an action.
    pub action_dim: usize,
    /// Numbers of the condition.
    pub cond_dim: usize,
    /// Channels of each level.
    pub dims: Vec<usize>,
    /// Kernel of the convolutions; odd, so that chunks keep their length.
    pub kernel: usize,
    /// Groups of every GroupNorm.
    pub groups: usize,
    /// Width of the diffusion-step embedding; even, as it is sines and as many cosines.
    pub step_dim: usize,
}

impl UNetConfig {
    pub(super) fn check(&self) -> Result<(), ShapeError> {
        let unless = |fits, what, got: usize, allowed| {
            ShapeError::unless(fits, "UNet1d", what, got, allowed)
        };
        let levels = self.dims.len();
        unless((1..32).contains(&levels), "levels", levels, "1 to 31")?;
        let numbers = self.action_dim;
        unless(numbers > 0, "numbers of an action", numbers, "1 or more")?;
        unless(
            self.kernel % 2 == 1,
            "kernel",
            self.kernel,
            "an odd number, which keeps the length of a chunk",
        )?;
        unless(
            self.step_dim > 0 && self.step_dim.is_multiple_of(2),
            "width of the step embedding",
            self.step_dim,
            "an even number from 2 up: sines and as many cosines",
        )
    }
}
