//! A compact vision encoder: convolutions with GroupNorm and Mish, spatial softmax, linear.

use crate::{Conv2d, Conv2dConfig, GroupNormMish, Linear, ShapeError, SpatialSoftmax};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::Rng;

/// Sizes of a [`VisionEncoder`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisionConfig {
    /// Height of a picture, pixels.
    pub height: usize,
    /// Width of a picture, pixels.
    pub width: usize,
    /// Channels of each convolution.
    pub channels: Vec<usize>,
    /// Stride of each.
    pub strides: Vec<usize>,
    /// Kernel of each.
    pub kernels: Vec<usize>,
    /// Groups of each GroupNorm.
    pub groups: usize,
    /// Features out.
    pub out: usize,
}

/// Normalised maps reach a few units only, of which a softmax over a thousand places makes an almost
/// flat share; times this, a feature's place is where it stands out.
const SHARPNESS: f32 = 6.0;

/// Pictures to features.
#[derive(Module, Debug)]
pub struct VisionEncoder {
    convolutions: Vec<Conv2d>,
    norms: Vec<GroupNormMish>,
    project: Linear,
}

impl VisionEncoder {
    /// Fresh weights.
    ///
    /// # Errors
    /// When the lists differ in length or the channels do not fit the groups.
    pub fn new(
        config: &VisionConfig,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Result<Self, ShapeError> {
        let layers = config.channels.len();
        if layers == 0 || config.strides.len() != layers || config.kernels.len() != layers {
            return Err(ShapeError {
                layer: "VisionEncoder",
                what: "channels, strides, kernels",
                got: format!(
                    "{layers}, {}, {} entries",
                    config.strides.len(),
                    config.kernels.len()
                ),
                allowed: "equally many, at least one".into(),
            });
        }
        let (mut convolutions, mut norms, mut before) = (Vec::new(), Vec::new(), 3);
        for ((&channels, &stride), &kernel) in config
            .channels
            .iter()
            .zip(&config.strides)
            .zip(&config.kernels)
        {
            let conv = Conv2dConfig {
                in_channels: before,
                out_channels: channels,
                kernel,
                stride,
                padding: kernel / 2,
            };
            convolutions.push(Conv2d::new(conv, rng, device));
            norms.push(GroupNormMish::new(config.groups, channels, device)?);
            before = channels;
        }
        Ok(Self {
            convolutions,
            norms,
            project: Linear::new(2 * before, config.out, rng, device),
        })
    }

    /// [B, H, W, 3] in [-1, 1] to [B, out].
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let mut x = images;
        for (convolution, norm) in self.convolutions.iter().zip(&self.norms) {
            x = norm.forward(convolution.forward(x));
        }
        self.project.forward(SpatialSoftmax.forward(x * SHARPNESS))
    }
}
