//! LayerNorm.

use crate::Precision;
use apprentice_kernels::{self as kernels, ShapeError, require};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// Layer normalisation (Ba et al. 2016, arXiv 1607.06450) over the last dimension.
#[derive(Module, Debug)]
pub struct LayerNorm {
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    epsilon: f32,
}

impl LayerNorm {
    /// Scale one, offset zero.
    #[must_use]
    pub fn new(channels: usize, epsilon: f32, device: &Device) -> Self {
        Self {
            gamma: Param::from_tensor(Tensor::ones([channels], device)),
            beta: Param::from_tensor(Tensor::zeros([channels], device)),
            epsilon,
        }
    }

    /// Normalises [.., C].
    ///
    /// # Panics
    /// When there are other channels than the layer was made for.
    #[must_use]
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let (channels, wanted) = (x.dims()[D - 1], self.gamma.dims()[0]);
        require(ShapeError::unless(
            channels == wanted,
            "LayerNorm",
            "channels of x",
            channels,
            wanted,
        ));
        if kernels::has_cpu_kernels(&x) {
            return kernels::layer_norm(x, self.gamma.val(), self.beta.val(), self.epsilon);
        }
        self.plain(x)
    }

    /// In tensor operations that every backend has.
    fn plain<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let given = x.dtype();
        let dims = x.dims();
        let channels = dims[D - 1];
        let rows = dims[..D - 1].iter().product::<usize>();
        let x: Tensor<2> = Precision::F32.of(x).reshape([rows, channels]);
        let centred = x.clone() - x.mean_dim(1);
        let variance = (centred.clone() * centred.clone()).mean_dim(1);
        let normal = centred / variance.add_scalar(self.epsilon).sqrt();
        let row = |p: &Param<Tensor<1>>| Precision::F32.of(p.val()).unsqueeze_dim(0);
        let scaled = normal * row(&self.gamma) + row(&self.beta);
        scaled.reshape(dims).cast(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agreement::agrees;
    use crate::gaussian;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn rows_are_normalised_like_plain_tensors() {
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        for [b, n, c] in [[2, 5, 48], [1, 70, 7], [3, 1, 1]] {
            let mut layer = LayerNorm::new(c, 1e-6, &device);
            layer.gamma = Param::from_tensor(gaussian([c], &mut rng, &device));
            layer.beta = Param::from_tensor(gaussian([c], &mut rng, &device));
            let x: Tensor<3> = gaussian([b, n, c], &mut rng, &device) * 2.0 + 0.5;
            let x = x.detach().require_grad();
            agrees(
                &[("dx", x.clone())],
                &[("dgamma", layer.gamma.val()), ("dbeta", layer.beta.val())],
                layer.forward(x.clone()),
                layer.plain(x),
            );
        }
    }
}
