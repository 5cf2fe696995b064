//! Feature-wise linear modulation.

use apprentice_kernels::{self as kernels, ShapeError, require};
use burn::tensor::Tensor;

/// `x (1 + scale) + shift` of [B, T, C], with scale and shift, a number a sample and channel, side by
/// side in [B, 2 C] (FiLM, Perez et al. 2018, arXiv 1709.07871, the scale around one).
///
/// # Panics
/// When the scales and shifts are of another shape.
#[must_use]
pub fn film(x: Tensor<3>, scale_and_shift: Tensor<2>) -> Tensor<3> {
    require(check(x.dims(), scale_and_shift.dims()));
    if kernels::has_kernels_for(&x) {
        kernels::film(x, scale_and_shift)
    } else {
        plain(x, scale_and_shift)
    }
}

fn check([samples, _, channels]: [usize; 3], given: [usize; 2]) -> Result<(), ShapeError> {
    let wanted = [samples, 2 * channels];
    ShapeError::unless(
        given == wanted,
        "film",
        "scale_and_shift",
        format_args!("{given:?}"),
        format_args!("{wanted:?}, a scale and a shift a sample and channel"),
    )
}

fn plain(x: Tensor<3>, scale_and_shift: Tensor<2>) -> Tensor<3> {
    let [b, _, c] = x.dims();
    let film: Tensor<3> = scale_and_shift.reshape([b, 1, 2 * c]);
    let scale = film.clone().slice([0..b, 0..1, 0..c]);
    let shift = film.slice([0..b, 0..1, c..2 * c]);
    x * scale.add_scalar(1.0) + shift
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
    fn features_are_modulated_like_plain_tensors() {
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        for [b, t, c] in [[1, 1, 1], [3, 16, 64], [2, 5, 33]] {
            let x: Tensor<3> = gaussian([b, t, c], &mut rng, &device).require_grad();
            let both: Tensor<1> = gaussian([2 * b * c], &mut rng, &device).require_grad();
            let run = |f: fn(Tensor<3>, Tensor<2>) -> Tensor<3>| {
                f(x.clone(), both.clone().reshape([b, 2 * c]))
            };
            agrees(
                &[("dx", x.clone())],
                &[("dfilm", both.clone())],
                run(film),
                run(plain),
            );
        }
    }
}
