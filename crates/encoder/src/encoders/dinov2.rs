//! A vision transformer with weights as DINOv2 saves them: its class token.

use crate::encoder::{Encoder, FrameEncoder, WeightsSource};
use crate::image_features::image_features;
use crate::input::Input;
use crate::shared::SharedSettings;
use crate::spatial::grids;
use crate::{Clip, EncoderError, FeatureClip, FeatureKind, InputConfig};
use apprentice_networks::{NamedTensors, vision_transformer};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Patches it usually looks at, down and across.
const USUAL_PATCHES: usize = 8;

/// A vision transformer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DinoV2 {
    /// File of weights (.pth or .safetensors).
    pub weights: PathBuf,
    /// How images are prepared; its usual size is 8 patches.
    pub input: InputConfig,
    /// Which of its maps become features.
    pub features: FeatureKind,
}

impl Encoder for DinoV2 {
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
        let tensors = NamedTensors::read(file, "vision transformer of DINOv2")?;
        // A file without it is refused below, by the tensor's name.
        let kernel = tensors.shape("patch_embed.proj.weight");
        let patch = kernel.and_then(|k| k.get(2)).map_or(1, |&p| p.max(1));
        let input = self.input.at(USUAL_PATCHES * patch, patch)?;
        let grid = [input.size / patch; 2];
        let (config, network) = vision_transformer(&tensors, "", grid, None, &device)?;
        Ok(Box::new(Loaded {
            network,
            features: self.features.width(config.width, [config.width; 2]),
            kind: self.features,
            input,
        }))
    }
}

#[derive(Debug)]
struct Loaded {
    network: apprentice_networks::VisionTransformer,
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
                FeatureKind::Pooled => self.network.class(images)?,
                FeatureKind::Spatial => grids(self.network.middle(images)?),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_network_is_refused_by_the_missing_tensor() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../networks/tests/imports/resnet18_batch.safetensors");
        let wrong = DinoV2::default().load(&file, &Device::flex());
        let error = wrong.unwrap_err().to_string();
        assert!(error.contains("'patch_embed.proj.weight'"), "{error}");
    }
}
