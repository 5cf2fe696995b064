//! Batch normalisation with statistics that are kept.

use crate::Precision;
use apprentice_kernels::{ShapeError, require};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167) as a pretrained network has it: the
/// means and variances it came with stay, scale and offset learn; epsilon 1e-5. To learn from scratch
/// take [`crate::GroupNorm`], which small batches do not disturb. In 16 bits ([`Precision`]) its own
/// numbers stay in 32, as variances may be too large for less.
#[derive(Module, Debug)]
pub struct FrozenBatchNorm {
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    running_mean: Param<Tensor<1>>,
    running_var: Param<Tensor<1>>,
}

impl FrozenBatchNorm {
    /// Changes nothing until weights are loaded.
    #[must_use]
    pub fn new(channels: usize, device: &Device) -> Self {
        let ones = || Tensor::ones([channels], device);
        let zeros = || Tensor::zeros([channels], device);
        Self {
            gamma: Param::from_tensor(ones()),
            beta: Param::from_tensor(zeros()),
            running_mean: Param::from_tensor(zeros()).set_require_grad(false),
            running_var: Param::from_tensor(ones()).set_require_grad(false),
        }
    }

    /// Normalises [B, H, W, C].
    ///
    /// # Panics
    /// When there are other channels than the layer was made for.
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let exact = |p: &Param<Tensor<1>>| Precision::F32.of(p.val());
        let scale = exact(&self.gamma) / exact(&self.running_var).add_scalar(1e-5).sqrt();
        let shift = exact(&self.beta) - exact(&self.running_mean) * scale.clone();
        let (channels, given) = (x.dims()[3], x.dtype());
        let wanted = scale.dims()[0];
        require(ShapeError::unless(
            channels == wanted,
            "FrozenBatchNorm",
            "channels of x",
            channels,
            wanted,
        ));
        let wide = |t: Tensor<1>| t.reshape([1, 1, 1, channels]).cast(given);
        x * wide(scale) + wide(shift)
    }
}
