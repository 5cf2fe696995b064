//! The largest number under a window.

use apprentice_kernels::{self as kernels, Window};
use burn::tensor::Tensor;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;

/// [B, H, W, C] to [B, H', W', C] with a square window; what lies outside the picture never counts.
/// The window has at most 15 x 15 places.
#[must_use]
pub fn max_pool(x: Tensor<4>, kernel: usize, stride: usize, padding: usize) -> Tensor<4> {
    if kernels::has_cpu_kernels(&x) && kernel < 16 {
        let window = Window {
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [padding; 2],
        };
        kernels::max_pool(x, window)
    } else {
        plain(x, kernel, stride, padding)
    }
}

/// In tensor operations that every backend has.
fn plain(x: Tensor<4>, kernel: usize, stride: usize, padding: usize) -> Tensor<4> {
    let mut options = MaxPoolOptions::new([kernel; 2]);
    options.stride = [stride; 2];
    options.padding = [(padding, padding); 2];
    max_pool2d(x.permute([0, 3, 1, 2]), options).permute([0, 2, 3, 1])
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
        let mut rng = ChaCha8Rng::seed_from_u64(14);
        for ([b, h, w, c], k, s, p) in [
            ([2, 8, 9, 5], 3, 2, 1),
            ([1, 5, 4, 70], 2, 2, 0),
            ([3, 3, 3, 1], 3, 1, 1),
        ] {
            let x = gaussian([b, h, w, c], &mut rng, &device).require_grad();
            let (fused, plain) = (max_pool(x.clone(), k, s, p), plain(x.clone(), k, s, p));
            agrees(&[("dx", x)], &[], fused, plain);
        }
    }
}
