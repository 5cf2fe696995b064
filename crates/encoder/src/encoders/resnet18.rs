//! ResNet-18 with weights as torchvision saves them: its last feature maps, averaged.

use crate::encoder::{Encoder, FrameEncoder, WeightsSource};
use crate::image_features::image_features;
use crate::input::Input;
use crate::shared::SharedSettings;
use crate::spatial::grids;
use crate::{Clip, EncoderError, FeatureClip, FeatureKind, InputConfig};
use apprentice_networks::NamedTensors;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Pixels it usually looks at, height and width.
const USUAL_SIZE: usize = 96;

/// ResNet-18.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResNet18 {
    /// File of weights (.pth or .safetensors).
    pub weights: PathBuf,
    /// How images are prepared; its usual size is 96.
    pub input: InputConfig,
    /// Which of its maps become features.
    pub features: FeatureKind,
}

impl Encoder for ResNet18 {
    fn validate(&self) -> Result<(), EncoderError> {
        self.input.validate("encoder.backbone.input")
    }

    fn with_shared(&self, shared: &SharedSettings<'_>) -> Option<Box<dyn Encoder>> {
        Some(Box::new(Self {
            weights: shared.weights.to_owned(),
            input: shared.input.clone(),
            features: self.features,
        }))
    }

    fn weights(&self) -> WeightsSource<'_> {
        WeightsSource::File {
            file: &self.weights,
            published: None,
        }
    }

    fn load(&self, file: &Path, device: &Device) -> Result<Box<dyn FrameEncoder>, EncoderError> {
        let device = device.clone().without_autodiff();
        let input = self.input.at(USUAL_SIZE, 1)?;
        let tensors = NamedTensors::read(file, "ResNet-18")?;
        let (config, network) = apprentice_networks::resnet18(&tensors, "", &device)?;
        Ok(Box::new(Loaded {
            network,
            features: self
                .features
                .width(config.widths[3], [config.widths[1], config.widths[2]]),
            kind: self.features,
            input,
        }))
    }
}

#[derive(Debug)]
struct Loaded {
    network: apprentice_networks::ResNet18,
    /// Of an image.
    features: usize,
    input: Input,
    kind: FeatureKind,
}

impl FrameEncoder for Loaded {
    fn width(&self, cameras: usize) -> usize {
        cameras * self.features
    }

    fn features(&self, clips: &[Clip], device: &Device) -> Result<Vec<FeatureClip>, EncoderError> {
        image_features(clips, self.features, device, |images, device| {
            let images = self.input.imagenet_tensor(images, device);
            Ok(match self.kind {
                FeatureKind::Pooled => self.network.pooled(images)?,
                FeatureKind::Spatial => grids(self.network.middle(images)?),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClipFrame, Scaling};
    use apprentice_core::Image;

    /// What a camera might see, different in each frame.
    fn clip() -> Clip {
        let frames = (0..3u8).map(|frame| {
            let rgb = (0..60 * 60 * 3).map(|i| (i % 251) as u8 / (frame + 1));
            ClipFrame::of_images(vec![Image::new(60, 60, rgb.collect()).unwrap()])
        });
        Clip {
            frames: frames.collect(),
        }
    }

    fn features(size: usize, scaling: Scaling) -> Result<FeatureClip, EncoderError> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../networks/tests/imports/resnet18_batch.safetensors");
        let settings = ResNet18 {
            input: InputConfig { size, scaling },
            ..ResNet18::default()
        };
        let encoder = settings.load(&file, &Device::flex())?;
        Ok(encoder.features(&[clip()], &Device::flex())?.remove(0))
    }

    #[test]
    fn torchvisions_resnet_tells_frames_apart() {
        let clip = features(0, Scaling::Own).unwrap();
        assert_eq!((clip.width, clip.values.len()), (8, 24));
        assert_ne!(clip.values[..8], clip.values[8..16]);
    }

    #[test]
    fn size_and_scaling_reach_the_network() {
        let usual = features(0, Scaling::Own).unwrap();
        assert_eq!(usual, features(96, Scaling::Imagenet).unwrap());
        assert_ne!(usual, features(112, Scaling::Own).unwrap());
        assert_ne!(usual, features(0, Scaling::Unit).unwrap());
        assert!(features(16, Scaling::Own).is_err());
    }
}
