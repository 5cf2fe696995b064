//! GroupNorm and the activation that follows it.

use crate::ShapeError;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// Group normalisation (Wu and He 2018, arXiv 1803.08494) over the last dimension's groups and all
/// positions of a sample; epsilon 1e-5.
#[derive(Module, Debug)]
pub struct GroupNorm {
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    groups: usize,
}

impl GroupNorm {
    /// Scale one, offset zero.
    ///
    /// # Errors
    /// When the channels cannot be divided into the groups.
    pub fn new(groups: usize, channels: usize, device: &Device) -> Result<Self, ShapeError> {
        if groups == 0 || !channels.is_multiple_of(groups) {
            return Err(ShapeError {
                layer: "GroupNorm",
                what: "channels",
                got: channels.to_string(),
                allowed: format!("a multiple of the {groups} groups"),
            });
        }
        Ok(Self {
            gamma: Param::from_tensor(Tensor::ones([channels], device)),
            beta: Param::from_tensor(Tensor::zeros([channels], device)),
            groups,
        })
    }

    /// Normalises [B, .., C].
    #[must_use]
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let dims = x.dims();
        let channels = dims[D - 1];
        let positions = dims[1..D - 1].iter().product::<usize>();
        let grouped = x.reshape([dims[0], positions, self.groups, channels / self.groups]);
        let mean = grouped.clone().mean_dim(3).mean_dim(1);
        let centred = grouped - mean;
        let variance = (centred.clone() * centred.clone()).mean_dim(3).mean_dim(1);
        let normal = centred / variance.add_scalar(1e-5).sqrt();
        let flat: Tensor<3> = normal.reshape([dims[0], positions, channels]);
        let scaled = flat * self.gamma.val().reshape([1, 1, channels])
            + self.beta.val().reshape([1, 1, channels]);
        scaled.reshape(dims)
    }
}

/// GroupNorm, then Mish.
#[derive(Module, Debug)]
pub struct GroupNormMish {
    norm: GroupNorm,
}

impl GroupNormMish {
    /// See [`GroupNorm::new`].
    ///
    /// # Errors
    /// When the channels cannot be divided into the groups.
    pub fn new(groups: usize, channels: usize, device: &Device) -> Result<Self, ShapeError> {
        Ok(Self {
            norm: GroupNorm::new(groups, channels, device)?,
        })
    }

    /// Normalises and activates [B, .., C].
    #[must_use]
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        mish(self.norm.forward(x))
    }
}

/// `x tanh(softplus(x))` (Misra 2019, arXiv 1908.08681), by one exponential: with
/// `n = e^x (e^x + 2)`, it is `x n / (n + 2)`.
#[must_use]
pub fn mish<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let e = x.clone().clamp_max(20.0).exp();
    let n = e.clone() * e.add_scalar(2.0);
    x * (n.clone() / n.add_scalar(2.0))
}
