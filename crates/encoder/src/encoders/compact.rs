//! A small network that teaches itself on the run's own frames.

mod cycle_consistency;
mod network;

pub use cycle_consistency::{CycleConsistencyConfig, Initialisation, self_supervise};
pub use network::{COMPACT_SIZE, CompactNetwork};

use crate::encoder::{Encoder, FrameEncoder, Watch, WeightsSource};
use crate::image_features::image_features;
use crate::input::images_as_tensor;
use crate::shared::SharedSettings;
use crate::spatial::grids;
use crate::{Clip, EncoderError, FeatureClip, FeatureKind};
use apprentice_core::Seed;
use apprentice_networks::{load_module, save_module};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Three convolutions, self-supervised by temporal cycle consistency. Sees 48 x 48 pixels in [-1, 1].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Compact {
    /// How it is trained before judgements come.
    pub self_supervision: CycleConsistencyConfig,
    /// Which of its maps become features.
    pub features: FeatureKind,
}

impl Encoder for Compact {
    fn validate(&self) -> Result<(), EncoderError> {
        self.self_supervision
            .validate("encoder.backbone.self_supervision")
    }

    fn with_shared(&self, shared: &SharedSettings<'_>) -> Option<Box<dyn Encoder>> {
        Some(Box::new(Self {
            self_supervision: shared.cycle.clone(),
            features: self.features,
        }))
    }

    fn weights(&self) -> WeightsSource<'_> {
        WeightsSource::Training {
            steps: self.self_supervision.steps,
        }
    }

    fn train(
        &self,
        clips: &[Clip],
        seed: Seed,
        device: &Device,
        file: &Path,
        watch: &mut Watch<'_>,
    ) -> Result<(), EncoderError> {
        let (network, _) = self_supervise(clips, &self.self_supervision, seed, device, watch)?;
        Ok(save_module(&network, file, &BTreeMap::new())?)
    }

    fn load(&self, file: &Path, device: &Device) -> Result<Box<dyn FrameEncoder>, EncoderError> {
        let fresh = CompactNetwork::new(&mut Seed(0).rng(), &device.clone().without_autodiff())?;
        let (network, _) = load_module(fresh, file)?;
        Ok(Box::new(Loaded {
            network,
            kind: self.features,
        }))
    }
}

#[derive(Debug)]
struct Loaded {
    network: CompactNetwork,
    kind: FeatureKind,
}

impl FrameEncoder for Loaded {
    fn width(&self, cameras: usize) -> usize {
        match self.kind {
            FeatureKind::Pooled => self.network.width(cameras),
            FeatureKind::Spatial => cameras * self.kind.width(0, CompactNetwork::MIDDLE),
        }
    }

    fn features(&self, clips: &[Clip], device: &Device) -> Result<Vec<FeatureClip>, EncoderError> {
        if self.kind == FeatureKind::Pooled {
            return self.network.features(clips, device);
        }
        image_features(clips, self.width(1), device, |images, device| {
            let scaled = images_as_tensor(images, COMPACT_SIZE, [2.0 / 255.0, -1.0], device);
            Ok(grids(self.network.middle(scaled)))
        })
    }
}

impl FrameEncoder for CompactNetwork {
    fn width(&self, cameras: usize) -> usize {
        cameras * Self::FEATURES
    }

    fn features(&self, clips: &[Clip], device: &Device) -> Result<Vec<FeatureClip>, EncoderError> {
        image_features(clips, Self::FEATURES, device, |images, device| {
            let scaled = images_as_tensor(images, COMPACT_SIZE, [2.0 / 255.0, -1.0], device);
            Ok(self.forward(scaled))
        })
    }
}
