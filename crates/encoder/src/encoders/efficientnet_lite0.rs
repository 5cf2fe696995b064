//! EfficientNet-Lite0 with ImageNet weights (1280 features an image).

use crate::encoder::{Encoder, FrameEncoder, WeightsSource};
use crate::image_features::image_features;
use crate::input::Input;
use crate::shared::SharedSettings;
use crate::spatial::grids;
use crate::{Clip, EncoderError, FeatureClip, FeatureKind, InputConfig};
use apprentice_networks::FEATURES;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Pixels it usually looks at, height and width (the size RAPL's code uses).
const USUAL_SIZE: usize = 112;

/// EfficientNet-Lite0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EfficientNetLite0 {
    /// File of weights; empty for the one that `apprentice weights get` fetched.
    pub weights: PathBuf,
    /// How images are prepared; its usual size is 112.
    pub input: InputConfig,
    /// Which of its maps become features.
    pub features: FeatureKind,
}

impl Encoder for EfficientNetLite0 {
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
            published: Some("efficientnet-lite0"),
        }
    }

    fn load(&self, file: &Path, device: &Device) -> Result<Box<dyn FrameEncoder>, EncoderError> {
        let input = self.input.at(USUAL_SIZE, 1)?;
        let device = device.clone().without_autodiff();
        let network = apprentice_networks::EfficientNetLite0::load(file, &device)?;
        Ok(Box::new(Loaded {
            network,
            input,
            kind: self.features,
        }))
    }
}

#[derive(Debug)]
struct Loaded {
    network: apprentice_networks::EfficientNetLite0,
    input: Input,
    kind: FeatureKind,
}

/// Channels of the middle layers.
const MIDDLE: [usize; 2] = [40, 112];

impl FrameEncoder for Loaded {
    fn width(&self, cameras: usize) -> usize {
        cameras * self.kind.width(FEATURES, MIDDLE)
    }

    fn features(&self, clips: &[Clip], device: &Device) -> Result<Vec<FeatureClip>, EncoderError> {
        let width = self.width(1);
        image_features(clips, width, device, |images, device| {
            let images = self.input.efficientnet_tensor(images, device);
            Ok(match self.kind {
                FeatureKind::Pooled => self.network.features(images)?,
                FeatureKind::Spatial => grids(self.network.middle(images)?),
            })
        })
    }
}
