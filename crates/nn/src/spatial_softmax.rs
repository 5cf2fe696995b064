//! Where in the picture each feature is.

use crate::Precision;
use apprentice_kernels::{self as kernels, normalized_coordinate};
use burn::module::Module;
use burn::tensor::activation::softmax;
use burn::tensor::{Tensor, TensorData};

/// Expected position of each channel under a softmax over its map (Levine et al. 2016, arXiv
/// 1504.00702).
#[derive(Module, Debug)]
pub struct SpatialSoftmax;

impl SpatialSoftmax {
    /// [B, H, W, C] to [B, 2 C]: x of every channel, then y, each from -1 to 1.
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        if kernels::has_cpu_kernels(&x) {
            kernels::spatial_softmax(x)
        } else {
            Self::plain(x)
        }
    }

    /// In tensor operations that every backend has.
    fn plain(x: Tensor<4>) -> Tensor<2> {
        let [b, h, w, c] = x.dims();
        let device = x.device();
        let given = x.dtype();
        // Shares of a thousand places, and the places, are beyond 16 bits.
        let x = Precision::F32.of(x);
        let share = softmax(x.reshape([b, h * w, c]).swap_dims(1, 2), 2);
        let mut grid = Vec::with_capacity(h * w * 2);
        for y in 0..h {
            for x in 0..w {
                grid.extend([normalized_coordinate(x, w), normalized_coordinate(y, h)]);
            }
        }
        let grid = Tensor::<2>::from_data(TensorData::new(grid, [h * w, 2]), &device);
        let found = share.reshape([b * c, h * w]).matmul(grid);
        let found = found.reshape([b, c, 2]).swap_dims(1, 2).reshape([b, 2 * c]);
        found.cast(given)
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
    fn positions_are_found_like_with_plain_tensors() {
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(10);
        for [b, h, w, c] in [[3, 6, 5, 8], [1, 1, 9, 3], [2, 12, 12, 32], [2, 1, 1, 4]] {
            let x = gaussian([b, h, w, c], &mut rng, &device) * 4.0;
            let x = x.detach().require_grad();
            agrees(
                &[("dx", x.clone())],
                &[],
                SpatialSoftmax.forward(x.clone()),
                SpatialSoftmax::plain(x),
            );
        }
    }

    #[test]
    fn a_peak_is_where_it_stands() {
        let device = Device::flex();
        let mut values = vec![0.0; 5 * 9];
        values[9 + 6] = 80.0;
        let x = Tensor::<4>::from_data(TensorData::new(values, [1, 5, 9, 1]), &device);
        let found: Vec<f32> = SpatialSoftmax
            .forward(x)
            .into_data()
            .try_into_vec()
            .unwrap();
        assert!(
            (found[0] - 0.5).abs() < 1e-5 && (found[1] + 0.5).abs() < 1e-5,
            "{found:?}"
        );
    }
}
