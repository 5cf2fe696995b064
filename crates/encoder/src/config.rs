//! Settings of the encoder.

use crate::encoder::Encoder;
use crate::shared::SharedSettings;
use crate::{
    Backbone, ChannelWeights, ClipConfig, CycleConsistencyConfig, EncoderError, InputConfig,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What clips are made of and how they become features.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EncoderConfig {
    /// Which encoder.
    pub backbone: Backbone,
    /// File of pretrained weights; empty for Apprentice's own folder.
    pub weights: PathBuf,
    /// How images are prepared for a pretrained network.
    pub input: InputConfig,
    /// How videos are cut down.
    pub clip: ClipConfig,
    /// Weight of each channel.
    pub channels: ChannelWeights,
    /// Self-supervision of the compact network.
    pub cycle: CycleConsistencyConfig,
}

impl EncoderConfig {
    /// Whether features can be had with these settings.
    ///
    /// # Errors
    /// Names the first key that cannot be, its value and what is allowed.
    pub fn validate(&self) -> Result<(), EncoderError> {
        self.input.validate("encoder.input")?;
        self.clip.validate()?;
        self.channels.validate()?;
        self.cycle.validate("encoder.cycle")?;
        self.with_encoder(|encoder| encoder.validate())
    }

    /// Calls `use_it` with the encoder that the settings name.
    pub fn with_encoder<T>(&self, use_it: impl FnOnce(&dyn Encoder) -> T) -> T {
        let shared = SharedSettings {
            weights: &self.weights,
            input: &self.input,
            cycle: &self.cycle,
        };
        self.backbone.with(&shared, use_it)
    }
}
