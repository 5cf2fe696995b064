//! A compact vision encoder: convolutions with GroupNorm and Mish, spatial softmax, linear.

use apprentice_nn::{Conv2d, Conv2dConfig, GroupNormMish, Linear, ShapeError, SpatialSoftmax};
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
    /// When the lists differ in length, the channels do not fit the groups, a stride or kernel is zero, or
    /// the pictures are smaller than the kernels.
    pub fn new(
        config: &VisionConfig,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Result<Self, ShapeError> {
        let layers = config.channels.len();
        ShapeError::unless(
            layers > 0 && config.strides.len() == layers && config.kernels.len() == layers,
            "VisionEncoder",
            "channels, strides, kernels",
            format_args!(
                "{layers}, {}, {} entries",
                config.strides.len(),
                config.kernels.len()
            ),
            "equally many, at least one",
        )?;
        ShapeError::unless(
            config.out > 0,
            "VisionEncoder",
            "features out",
            config.out,
            "1 or more",
        )?;
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
        let encoder = Self {
            convolutions,
            norms,
            project: Linear::new(2 * before, config.out, rng, device),
        };
        encoder.check([config.height, config.width, 3])?;
        Ok(encoder)
    }

    /// Whether pictures of sizes [H, W, channels] can be looked at.
    fn check(&self, picture: [usize; 3]) -> Result<(), ShapeError> {
        let mut convolutions = self.convolutions.iter();
        convolutions.try_fold(picture, |sizes, c| c.output(sizes))?;
        Ok(())
    }

    /// [B, H, W, 3] in [-1, 1] to [B, out].
    ///
    /// # Errors
    /// When the pictures are smaller than the kernels or have other channels than three.
    pub fn forward(&self, images: Tensor<4>) -> Result<Tensor<2>, ShapeError> {
        let [_, height, width, channels] = images.dims();
        self.check([height, width, channels])?;
        let mut x = images;
        for (convolution, norm) in self.convolutions.iter().zip(&self.norms) {
            x = norm.forward(convolution.forward(x));
        }
        Ok(self.project.forward(SpatialSoftmax.forward(x * SHARPNESS)))
    }
}
