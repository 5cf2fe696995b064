//! The compact network.

use crate::EncoderError;
use apprentice_nn::{Conv2d, Conv2dConfig, GroupNormMish};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::Rng;

/// Pixels the compact network looks at, height and width.
pub const COMPACT_SIZE: usize = 48;
/// Cells the last feature map is averaged into, each way: where things are matters.
const CELLS: usize = 3;
/// Channels of the image and of each feature map.
const CHANNELS: [usize; 4] = [3, 16, 32, 32];

/// Three convolutions with GroupNorm and Mish, averaged over a 3 x 3 grid.
#[derive(Module, Debug)]
pub struct CompactNetwork {
    convolutions: Vec<Conv2d>,
    norms: Vec<GroupNormMish>,
}

impl CompactNetwork {
    /// Features of one image.
    pub const FEATURES: usize = CELLS * CELLS * CHANNELS[3];

    /// Channels of the maps that [`Self::middle`] gives.
    pub const MIDDLE: [usize; 2] = [CHANNELS[2], CHANNELS[3]];

    /// Fresh weights drawn from `rng`.
    ///
    /// # Errors
    /// Never with the sizes fixed here; a changed size that does not fit is named.
    pub fn new(rng: &mut impl Rng, device: &Device) -> Result<Self, EncoderError> {
        let mut convolutions = Vec::new();
        let mut norms = Vec::new();
        for pair in CHANNELS.windows(2) {
            let config = Conv2dConfig {
                in_channels: pair[0],
                out_channels: pair[1],
                kernel: 3,
                stride: 2,
                padding: 1,
            };
            convolutions.push(Conv2d::new(config, rng, device));
            norms.push(GroupNormMish::new(8, pair[1], device)?);
        }
        Ok(Self {
            convolutions,
            norms,
        })
    }

    /// Maps of the second and the third convolution, [N, 12, 12, 32] and [N, 6, 6, 32], of images as in
    /// [`Self::forward`].
    #[must_use]
    pub fn middle(&self, images: Tensor<4>) -> [Tensor<4>; 2] {
        let (mut x, mut before) = (images.clone(), images);
        for (convolution, norm) in self.convolutions.iter().zip(&self.norms) {
            before = x;
            x = norm.forward(convolution.forward(before.clone()));
        }
        [before, x]
    }

    /// Features [N, F] of images [N, 48, 48, 3] in [-1, 1].
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let mut x = images;
        for (convolution, norm) in self.convolutions.iter().zip(&self.norms) {
            x = norm.forward(convolution.forward(x));
        }
        let [n, h, w, c] = x.dims();
        x.reshape([n, CELLS, h / CELLS, CELLS, w / CELLS * c])
            .mean_dim(2)
            .reshape([n, CELLS * CELLS, w / CELLS, c])
            .mean_dim(2)
            .reshape([n, CELLS * CELLS * c])
    }
}
