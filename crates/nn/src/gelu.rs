//! GELU.

use apprentice_kernels as kernels;
use burn::tensor::Tensor;

/// `x Phi(x)` (Hendrycks and Gimpel 2016, arXiv 1606.08415), with Phi the normal distribution's share
/// below x; not the approximation by tanh.
#[must_use]
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if kernels::has_cpu_kernels(&x) {
        kernels::gelu(x)
    } else {
        burn::tensor::activation::gelu(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agreement::agrees;
    use crate::gaussian;
    use burn::tensor::Device;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn it_is_like_plain_tensors() {
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(13);
        let x: Tensor<2> = gaussian([40, 100], &mut rng, &device) * 3.0;
        let x = x.detach().require_grad();
        let plain = burn::tensor::activation::gelu(x.clone());
        agrees(&[("dx", x.clone())], &[], gelu(x), plain);
    }
}
