//! Where in the picture each feature is.

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
        let [b, h, w, c] = x.dims();
        let device = x.device();
        let share = softmax(x.reshape([b, h * w, c]).swap_dims(1, 2), 2);
        let place = |i: usize, n: usize| {
            if n < 2 {
                0.0
            } else {
                2.0 * i as f32 / (n - 1) as f32 - 1.0
            }
        };
        let mut grid = Vec::with_capacity(h * w * 2);
        for y in 0..h {
            for x in 0..w {
                grid.extend([place(x, w), place(y, h)]);
            }
        }
        let grid = Tensor::<2>::from_data(TensorData::new(grid, [h * w, 2]), &device);
        let found = share.reshape([b * c, h * w]).matmul(grid);
        found.reshape([b, c, 2]).swap_dims(1, 2).reshape([b, 2 * c])
    }
}
