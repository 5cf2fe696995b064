//! GroupNorm and the activation that follows it.

use crate::Precision;
use apprentice_kernels::split_k::GroupNormWeights;
use apprentice_kernels::{self as kernels, Activation, ShapeError, require};
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
        ShapeError::unless(
            groups > 0 && channels > 0 && channels.is_multiple_of(groups),
            "GroupNorm",
            "channels",
            channels,
            format_args!("a multiple of the {groups} groups, both at least 1"),
        )?;
        Ok(Self {
            gamma: Param::from_tensor(Tensor::ones([channels], device)),
            beta: Param::from_tensor(Tensor::zeros([channels], device)),
            groups,
        })
    }

    /// Normalises [B, .., C].
    ///
    /// # Panics
    /// When there are other channels than the layer was made for.
    #[must_use]
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        self.activated(x, Activation::Identity)
    }

    /// Normalises [B, .., C], then `max(x, 0)`.
    ///
    /// # Panics
    /// As [`Self::forward`].
    #[must_use]
    pub fn forward_relu<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        self.activated(x, Activation::Relu)
    }

    fn activated<const D: usize>(&self, x: Tensor<D>, activation: Activation) -> Tensor<D> {
        require(self.check(x.dims()));
        if kernels::has_kernels_for(&x) {
            let (gamma, beta) = (self.gamma.val(), self.beta.val());
            return kernels::group_norm(x, gamma, beta, self.groups, activation);
        }
        self.plain_activated(x, activation)
    }

    /// Refuses tensors without samples and channels, and of other channels than the layer was made for.
    fn check<const D: usize>(&self, x: [usize; D]) -> Result<(), ShapeError> {
        ShapeError::unless(D > 1, "GroupNorm", "dimensions of x", D, "2 or more")?;
        let (channels, wanted) = (x[D - 1], self.gamma.dims()[0]);
        ShapeError::unless(
            channels == wanted,
            "GroupNorm",
            "channels of x",
            channels,
            wanted,
        )
    }

    fn plain_activated<const D: usize>(&self, x: Tensor<D>, activation: Activation) -> Tensor<D> {
        let x = self.plain(x);
        match activation {
            Activation::Identity => x,
            Activation::Mish => plain_mish(x),
            Activation::Relu => x.clamp_min(0.0),
        }
    }

    /// In tensor operations that every backend has.
    fn plain<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let given = x.dtype();
        let x = Precision::F32.of(x);
        let dims = x.dims();
        let channels = dims[D - 1];
        let positions = dims[1..D - 1].iter().product::<usize>();
        let grouped = x.reshape([dims[0], positions, self.groups, channels / self.groups]);
        let mean = grouped.clone().mean_dim(3).mean_dim(1);
        let centred = grouped - mean;
        let variance = (centred.clone() * centred.clone()).mean_dim(3).mean_dim(1);
        let normal = centred / variance.add_scalar(1e-5).sqrt();
        let flat: Tensor<3> = normal.reshape([dims[0], positions, channels]);
        let row = |p: &Param<Tensor<1>>| Precision::F32.of(p.val()).reshape([1, 1, channels]);
        let scaled = flat * row(&self.gamma) + row(&self.beta);
        scaled.reshape(dims).cast(given)
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
    ///
    /// # Panics
    /// As [`GroupNorm::forward`].
    #[must_use]
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        self.norm.activated(x, Activation::Mish)
    }

    /// The weights, for what follows a [convolution of few rows](crate::Conv1d::partial_sums) directly.
    #[must_use]
    pub fn weights(&self) -> GroupNormWeights {
        GroupNormWeights {
            gamma: self.norm.gamma.val(),
            beta: self.norm.beta.val(),
            groups: self.norm.groups,
        }
    }
}

/// `x tanh(softplus(x))` (Misra 2019, arXiv 1908.08681), by one exponential: with
/// `n = e^x (e^x + 2)`, it is `x n / (n + 2)`.
#[must_use]
pub fn mish<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if kernels::has_cpu_kernels(&x) {
        kernels::mish(x)
    } else {
        plain_mish(x)
    }
}

fn plain_mish<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let given = x.dtype();
    // The square of e^20 is beyond 16 bits.
    let x = Precision::F32.of(x);
    let e = x.clone().clamp_max(20.0).exp();
    let n = e.clone() * e.add_scalar(2.0);
    (x * (n.clone() / n.add_scalar(2.0))).cast(given)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agreement::{agrees, close};
    use crate::gaussian;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn groups_are_normalised_like_plain_tensors() {
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        // Batch, positions, channels, groups; few and many channels, single positions and groups.
        let sizes = [
            [3, 20, 16, 8],
            [2, 576, 32, 8],
            [5, 1, 64, 8],
            [1, 7, 130, 13],
            [2, 9, 3, 1],
            [1, 3, 2, 2],
        ];
        for [b, p, c, groups] in sizes {
            let mut layer = GroupNormMish::new(groups, c, &device).unwrap();
            layer.norm.gamma = Param::from_tensor(gaussian([c], &mut rng, &device));
            layer.norm.beta = Param::from_tensor(gaussian([c], &mut rng, &device));
            let x: Tensor<3> = gaussian([b, p, c], &mut rng, &device) * 3.0 + 1.5;
            let x = x.detach().require_grad();
            let affine = [
                ("dgamma", layer.norm.gamma.val()),
                ("dbeta", layer.norm.beta.val()),
            ];
            for activation in [Activation::Identity, Activation::Mish, Activation::Relu] {
                agrees(
                    &[("dx", x.clone())],
                    &affine,
                    layer.norm.activated(x.clone(), activation),
                    layer.norm.plain_activated(x.clone(), activation),
                );
            }
        }
    }

    #[test]
    fn a_mean_far_from_zero_is_taken_off_first() {
        let device = Device::flex();
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let layer = GroupNorm::new(2, 8, &device).unwrap();
        let x: Tensor<3> = gaussian([2, 50, 8], &mut rng, &device);
        let (near, far) = (layer.forward(x.clone()), layer.forward(x + 1000.0));
        close("normalised", &far, &near, 1e-3);
    }

    #[test]
    fn mish_is_like_plain_tensors() {
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        for shape in [[1, 1], [3, 33], [40, 1000]] {
            let x = (gaussian(shape, &mut rng, &device) * 8.0)
                .detach()
                .require_grad();
            agrees(&[("dx", x.clone())], &[], mish(x.clone()), plain_mish(x));
        }
    }

    #[test]
    fn a_gradient_that_others_use_too_is_left_alone() {
        let device = Device::flex().autodiff();
        let x = Tensor::<1>::from_floats([-1.0, 0.5, 2.0], &device).require_grad();
        // Both branches are handed the same gradient.
        let both = |branch: fn(Tensor<1>) -> Tensor<1>| branch(x.clone()) + branch(x.clone() * 2.0);
        agrees(&[("dx", x.clone())], &[], both(mish), both(plain_mish));
    }
}
