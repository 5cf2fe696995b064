//! Features of clips of pictures.

use crate::LabelsError;
use apprentice_core::Seed;
use apprentice_encoder::encoders::compact::CompactNetwork;
use apprentice_encoder::encoders::efficientnet_lite0::EfficientNetLite0;
use apprentice_encoder::{Clip, Encoder, FeatureClip, FeatureKind, FrameEncoder};
use burn::tensor::Device;
use std::path::Path;

/// Features of every frame: grids of two middle layers of EfficientNet-Lite0 with the weights of a file, or without one
/// the 3 x 3 grid of a small network of random weights.
///
/// # Errors
/// When the weights cannot be read, or clips have no frame.
pub fn features(
    clips: &[Clip],
    weights: Option<&Path>,
    seed: u64,
) -> Result<Vec<FeatureClip>, LabelsError> {
    let device = Device::flex();
    let encoder: Box<dyn FrameEncoder> = match weights {
        Some(file) => EfficientNetLite0 {
            features: FeatureKind::Spatial,
            ..EfficientNetLite0::default()
        }
        .load(file, &device)?,
        None => Box::new(CompactNetwork::new(
            &mut Seed(seed).derive("random network", 0).rng(),
            &device,
        )?),
    };
    Ok(encoder.features(clips, &device)?)
}
