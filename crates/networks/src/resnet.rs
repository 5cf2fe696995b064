//! ResNet-18 (He et al. 2016, arXiv 1512.03385), channels-last, for pictures of robots' cameras.

pub mod import;

use apprentice_kernels::{add_relu, has_cpu_kernels};
use apprentice_nn::{
    Conv2d, Conv2dConfig, FrozenBatchNorm, GroupNorm, ShapeError, SpatialSoftmax, max_pool,
};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::Rng;

/// How maps are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalisation {
    /// GroupNorm with so many channels a group; 16 in Diffusion Policy.
    Group(usize),
    /// Batch normalisation with the statistics of pretrained weights.
    FrozenBatch,
}

/// Sizes of a [`ResNet18`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResNetConfig {
    /// Channels of the four stages; 64, 128, 256, 512 in the paper.
    pub widths: [usize; 4],
    /// How maps are normalised.
    pub normalisation: Normalisation,
}

impl Default for ResNetConfig {
    fn default() -> Self {
        Self {
            widths: [64, 128, 256, 512],
            normalisation: Normalisation::Group(16),
        }
    }
}

#[derive(Module, Debug)]
enum Norm {
    Group(GroupNorm),
    Batch(FrozenBatchNorm),
}

impl Norm {
    fn new(how: Normalisation, channels: usize, device: &Device) -> Result<Self, ShapeError> {
        Ok(match how {
            Normalisation::Group(size) => {
                ShapeError::unless(
                    size > 0 && channels.is_multiple_of(size),
                    "ResNet18",
                    "channels of a stage",
                    channels,
                    format_args!("a multiple of the {size} channels of a group"),
                )?;
                Self::Group(GroupNorm::new(channels / size, channels, device)?)
            }
            Normalisation::FrozenBatch => Self::Batch(FrozenBatchNorm::new(channels, device)),
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Group(norm) => norm.forward(x),
            Self::Batch(norm) => norm.forward(x),
        }
    }

    fn forward_relu(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Group(norm) => norm.forward_relu(x),
            Self::Batch(norm) => norm.forward(x).clamp_min(0.0),
        }
    }
}

/// Two 3x3 convolutions beside a shortcut.
#[derive(Module, Debug)]
struct BasicBlock {
    conv1: Conv2d,
    bn1: Norm,
    conv2: Conv2d,
    bn2: Norm,
    downsample: Option<Downsample>,
}

/// The shortcut where sizes change.
#[derive(Module, Debug)]
struct Downsample {
    conv: Conv2d,
    norm: Norm,
}

impl BasicBlock {
    fn new(
        [input, output]: [usize; 2],
        stride: usize,
        how: Normalisation,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Result<Self, ShapeError> {
        let three = |input, stride| convolution(input, output, 3, stride);
        Ok(Self {
            conv1: Conv2d::without_bias(three(input, stride), rng, device),
            bn1: Norm::new(how, output, device)?,
            conv2: Conv2d::without_bias(three(output, 1), rng, device),
            bn2: Norm::new(how, output, device)?,
            downsample: if stride != 1 || input != output {
                Some(Downsample {
                    conv: Conv2d::without_bias(convolution(input, output, 1, stride), rng, device),
                    norm: Norm::new(how, output, device)?,
                })
            } else {
                None
            },
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.bn1.forward_relu(self.conv1.forward(x.clone()));
        let y = self.bn2.forward(self.conv2.forward(y));
        let shortcut = match &self.downsample {
            Some(d) => d.norm.forward(d.conv.forward(x)),
            None => x,
        };
        if has_cpu_kernels(&y) {
            add_relu(y, shortcut)
        } else {
            (y + shortcut).clamp_min(0.0)
        }
    }
}

fn convolution(
    in_channels: usize,
    out_channels: usize,
    kernel: usize,
    stride: usize,
) -> Conv2dConfig {
    Conv2dConfig {
        in_channels,
        out_channels,
        kernel,
        stride,
        padding: kernel / 2,
    }
}

/// The network without its classifier. Fields are named as in torchvision.
#[derive(Module, Debug)]
pub struct ResNet18 {
    conv1: Conv2d,
    bn1: Norm,
    layer1: Vec<BasicBlock>,
    layer2: Vec<BasicBlock>,
    layer3: Vec<BasicBlock>,
    layer4: Vec<BasicBlock>,
}

impl ResNet18 {
    /// Fresh weights.
    ///
    /// # Errors
    /// When the widths do not fit the groups.
    pub fn new(
        config: &ResNetConfig,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Result<Self, ShapeError> {
        let [first, second, third, fourth] = config.widths;
        let least = config.widths.into_iter().fold(usize::MAX, usize::min);
        let allowed = "1 or more channels a stage";
        ShapeError::unless(least > 0, "ResNet18", "widths", least, allowed)?;
        let how = config.normalisation;
        let mut stage = |input: usize, output: usize, stride: usize| {
            Ok(vec![
                BasicBlock::new([input, output], stride, how, rng, device)?,
                BasicBlock::new([output, output], 1, how, rng, device)?,
            ])
        };
        let (layer1, layer2) = (stage(first, first, 1)?, stage(first, second, 2)?);
        let (layer3, layer4) = (stage(second, third, 2)?, stage(third, fourth, 2)?);
        let mut stem = convolution(3, first, 7, 2);
        stem.padding = 3;
        Ok(Self {
            conv1: Conv2d::without_bias(stem, rng, device),
            bn1: Norm::new(how, first, device)?,
            layer1,
            layer2,
            layer3,
            layer4,
        })
    }

    /// Maps [B, ceil(H / 32), ceil(W / 32), last width] of pictures [B, H, W, 3], scaled as the
    /// weights expect (torchvision's: less the mean of ImageNet's colours, by their deviation).
    ///
    /// # Errors
    /// When the pictures have no pixel or other channels than three.
    pub fn forward(&self, images: Tensor<4>) -> Result<Tensor<4>, ShapeError> {
        let [_, mut x] = self.middle(images)?;
        for block in &self.layer4 {
            x = block.forward(x);
        }
        Ok(x)
    }

    /// Maps of the second and the third of the four stages, an eighth and a sixteenth of the side, of pictures as in
    /// [`Self::forward`].
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn middle(&self, images: Tensor<4>) -> Result<[Tensor<4>; 2], ShapeError> {
        let [_, height, width, channels] = images.dims();
        self.conv1.output([height, width, channels])?;
        let x = self.bn1.forward_relu(self.conv1.forward(images));
        let mut x = max_pool(x, 3, 2, 1);
        for block in self.layer1.iter().chain(&self.layer2) {
            x = block.forward(x);
        }
        let second = x.clone();
        for block in &self.layer3 {
            x = block.forward(x);
        }
        Ok([second, x])
    }

    /// The mean of the maps, [B, last width].
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn pooled(&self, images: Tensor<4>) -> Result<Tensor<2>, ShapeError> {
        let maps = self.forward(images)?;
        let [batch, height, width, channels] = maps.dims();
        let rows = maps.reshape([batch, height * width, channels]);
        Ok(rows.mean_dim(1).reshape([batch, channels]))
    }

    /// Where in the picture each map is strongest, [B, 2 x last width], as Diffusion Policy pools
    /// them.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn keypoints(&self, images: Tensor<4>) -> Result<Tensor<2>, ShapeError> {
        Ok(SpatialSoftmax.forward(self.forward(images)?))
    }
}
