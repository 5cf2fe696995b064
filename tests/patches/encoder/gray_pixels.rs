//! Each image as grey pixels of a coarse grid: nothing to train, nothing to fetch.

use crate::encoder::{Encoder, FrameEncoder, WeightsSource};
use crate::{Clip, EncoderError, FeatureClip, image_features};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Grey pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrayPixels {
    /// Height and width of the grid, pixels.
    pub size: u32,
}

impl Default for GrayPixels {
    fn default() -> Self {
        Self { size: 12 }
    }
}

impl Encoder for GrayPixels {
    fn validate(&self) -> Result<(), EncoderError> {
        if (1..=64).contains(&self.size) {
            return Ok(());
        }
        Err(EncoderError::Config {
            key: "encoder.backbone.size".into(),
            got: self.size.to_string(),
            allowed: "1 to 64 pixels",
        })
    }

    fn weights(&self) -> WeightsSource<'_> {
        WeightsSource::Nothing
    }

    fn load(&self, _: &Path, _: &Device) -> Result<Box<dyn FrameEncoder>, EncoderError> {
        self.validate()?;
        Ok(Box::new(self.clone()))
    }
}

impl FrameEncoder for GrayPixels {
    fn width(&self, cameras: usize) -> usize {
        cameras * (self.size * self.size) as usize
    }

    fn features(&self, clips: &[Clip], device: &Device) -> Result<Vec<FeatureClip>, EncoderError> {
        let width = self.width(1);
        image_features(clips, width, device, |images, device| {
            let mut values = Vec::with_capacity(images.len() * width);
            for image in images {
                let rgb = image.resized(self.size, self.size).into_rgb();
                let mean = |p: &[u8]| p.iter().map(|&v| f32::from(v)).sum::<f32>() / (3.0 * 255.0);
                values.extend(rgb.chunks_exact(3).map(mean));
            }
            Ok(Tensor::from_data(
                TensorData::new(values, [images.len(), width]),
                device,
            ))
        })
    }
}
