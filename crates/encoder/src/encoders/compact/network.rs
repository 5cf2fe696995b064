//! What turns a picture into features, before the operator's preference comes in.

use crate::input::{Input, pictures};
use crate::{Clip, EncoderError, FeatureClip, InputConfig};
use apprentice_core::Image;
use apprentice_nn::{Conv2d, Conv2dConfig, GroupNormMish, ResNet18, VisionTransformer};
use apprentice_weights::{EfficientNetLite0, NamedTensors, resnet18, vision_transformer};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Which backbone a run uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackboneKind {
    /// A small network, self-supervised on the run's own frames.
    #[default]
    Compact,
    /// EfficientNet-Lite0 with ImageNet weights.
    EfficientnetLite0,
    /// ResNet-18 with weights as torchvision saves them.
    #[serde(rename = "resnet18")]
    ResNet18,
    /// A vision transformer with weights as DINOv2 saves them.
    #[serde(rename = "dinov2")]
    DinoV2,
}

/// A ready backbone, without gradients.
#[derive(Debug)]
pub enum Backbone {
    /// The compact network.
    Compact(CompactBackbone),
    /// EfficientNet-Lite0.
    EfficientNet(Box<EfficientNetLite0>, Input),
    /// ResNet-18's maps, averaged, and how many there are.
    ResNet18(Box<ResNet18>, usize, Input),
    /// A vision transformer's class token, and its numbers.
    DinoV2(Box<VisionTransformer>, usize, Input),
}

/// Pixels the compact network looks at, height and width.
pub const COMPACT_SIZE: usize = 48;
/// Cells the compact network's last map is averaged into, each way: where things are matters.
const CELLS: usize = 3;
const CHANNELS: [usize; 4] = [3, 16, 32, 32];
/// Pixels EfficientNet usually looks at, height and width (the size RAPL's code uses).
const EFFICIENTNET_SIZE: usize = 112;
/// Pixels ResNet-18 usually looks at, height and width.
const RESNET_SIZE: usize = 96;
/// Patches a vision transformer usually looks at, down and across.
const PATCHES: usize = 8;
/// Pictures that go through a backbone at once.
const CHUNK: usize = 64;

/// Three convolutions with GroupNorm and Mish, averaged over a 3 x 3 grid.
#[derive(Module, Debug)]
pub struct CompactBackbone {
    convolutions: Vec<Conv2d>,
    norms: Vec<GroupNormMish>,
}

impl CompactBackbone {
    /// Features of one picture.
    pub const FEATURES: usize = CELLS * CELLS * CHANNELS[3];

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

    /// Features [N, F] of pictures [N, 48, 48, 3] in [-1, 1].
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

impl Backbone {
    /// A pretrained backbone out of a file, for pictures prepared as `input` says; `None` for the compact
    /// one, which no file holds and whose input is always 48 x 48 pixels in [-1, 1].
    ///
    /// # Errors
    /// Names the tensor of the file that is missing, misshapen or not finite, or the size that the network
    /// cannot look at.
    pub fn load(
        kind: BackboneKind,
        file: &Path,
        input: &InputConfig,
        device: &Device,
    ) -> Result<Option<Self>, EncoderError> {
        let device = device.clone().without_autodiff();
        Ok(Some(match kind {
            BackboneKind::Compact => return Ok(None),
            BackboneKind::EfficientnetLite0 => {
                let input = input.at(EFFICIENTNET_SIZE, 1)?;
                Self::EfficientNet(Box::new(EfficientNetLite0::load(file, &device)?), input)
            }
            BackboneKind::ResNet18 => {
                let input = input.at(RESNET_SIZE, 1)?;
                let tensors = NamedTensors::read(file, "ResNet-18")?;
                let (config, network) = resnet18(&tensors, "", &device)?;
                Self::ResNet18(Box::new(network), config.widths[3], input)
            }
            BackboneKind::DinoV2 => {
                let tensors = NamedTensors::read(file, "vision transformer of DINOv2")?;
                // A file without it is refused below, by the tensor's name.
                let kernel = tensors.shape("patch_embed.proj.weight");
                let patch = kernel.and_then(|k| k.get(2)).map_or(1, |&p| p.max(1));
                let input = input.at(PATCHES * patch, patch)?;
                let grid = [input.size / patch; 2];
                let (config, network) = vision_transformer(&tensors, "", grid, None, &device)?;
                Self::DinoV2(Box::new(network), config.width, input)
            }
        }))
    }

    /// Features of one moment seen by `cameras` cameras.
    #[must_use]
    pub fn dim(&self, cameras: usize) -> usize {
        cameras
            * match self {
                Self::Compact(_) => CompactBackbone::FEATURES,
                Self::EfficientNet(..) => apprentice_weights::FEATURES,
                Self::ResNet18(_, features, _) | Self::DinoV2(_, features, _) => *features,
            }
    }

    /// Features of clips: the cameras' features side by side at each moment.
    ///
    /// # Errors
    /// When a clip is empty or a feature is not finite.
    pub fn features(
        &self,
        clips: &[Clip],
        device: &Device,
    ) -> Result<Vec<FeatureClip>, EncoderError> {
        let Some(cameras) = clips.iter().find_map(|c| c.moments.first()).map(Vec::len) else {
            return Err(EncoderError::NoData("no clip has a frame".into()));
        };
        let dim = self.dim(cameras);
        let images: Vec<&Image> = clips
            .iter()
            .flat_map(|c| c.moments.iter().flatten())
            .collect();
        let mut values = Vec::with_capacity(images.len() / cameras * dim);
        for chunk in images.chunks(CHUNK) {
            values.extend(self.chunk(chunk, device)?);
        }
        if values.iter().any(|v| !v.is_finite()) {
            return Err(EncoderError::NotFinite("a feature of the backbone".into()));
        }
        let mut rest = values.as_slice();
        Ok(clips
            .iter()
            .map(|clip| {
                let (mine, others) = rest.split_at(clip.moments.len() * dim);
                rest = others;
                FeatureClip {
                    dim,
                    values: mine.to_vec(),
                }
            })
            .collect())
    }

    fn chunk(&self, images: &[&Image], device: &Device) -> Result<Vec<f32>, EncoderError> {
        let features = match self {
            Self::Compact(network) => {
                network.forward(pictures(images, COMPACT_SIZE, [2.0 / 255.0, -1.0], device))
            }
            Self::EfficientNet(network, input) => {
                network.features(input.for_efficientnet(images, device))?
            }
            Self::ResNet18(network, _, input) => network.pooled(input.pictures(images, device))?,
            Self::DinoV2(network, _, input) => network.class(input.pictures(images, device))?,
        };
        features
            .into_data()
            .try_to_vec()
            .map_err(|e| EncoderError::NotFinite(format!("the backbone's output ({e:?})")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scaling;

    /// What a camera might see, different in each moment.
    fn clip() -> Clip {
        let moments = (0..3u8).map(|moment| {
            let rgb = (0..60 * 60 * 3).map(|i| (i % 251) as u8 / (moment + 1));
            vec![Image::new(60, 60, rgb.collect()).unwrap()]
        });
        Clip {
            moments: moments.collect(),
        }
    }

    fn load(kind: BackboneKind, input: &InputConfig) -> Result<Option<Backbone>, EncoderError> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../weights/tests/imports/resnet18_batch.safetensors");
        Backbone::load(kind, &file, input, &Device::flex())
    }

    #[test]
    fn torchvisions_resnet_sees_moments_apart() {
        let device = Device::flex();
        let backbone = load(BackboneKind::ResNet18, &InputConfig::default()).unwrap();
        let clips = backbone.unwrap().features(&[clip()], &device).unwrap();
        assert_eq!((clips[0].dim, clips[0].values.len()), (8, 24));
        assert_ne!(clips[0].values[..8], clips[0].values[8..16]);
        let wrong = load(BackboneKind::DinoV2, &InputConfig::default());
        let error = wrong.err().unwrap().to_string();
        assert!(error.contains("'patch_embed.proj.weight'"), "{error}");
    }

    #[test]
    fn size_and_scaling_reach_the_backbone() {
        let features = |size, scaling| {
            let backbone = load(BackboneKind::ResNet18, &InputConfig { size, scaling });
            let clips = backbone
                .unwrap()
                .unwrap()
                .features(&[clip()], &Device::flex());
            clips.unwrap()[0].values.clone()
        };
        let usual = features(0, Scaling::Own);
        assert_eq!(usual, features(96, Scaling::Imagenet));
        assert_ne!(usual, features(112, Scaling::Own));
        assert_ne!(usual, features(0, Scaling::Unit));
        assert!(
            load(
                BackboneKind::ResNet18,
                &InputConfig {
                    size: 16,
                    ..InputConfig::default()
                }
            )
            .is_err()
        );
    }
}
