//! Features of a clip's frames.

use crate::Channel;

/// Part of a frame's feature vector that belongs to one channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelSpan {
    /// Whose features these are.
    pub channel: Channel,
    /// How many there are.
    pub width: usize,
    /// What they are multiplied by after standardisation.
    pub weight: f32,
}

/// The features of a clip's frames, one frame after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureClip {
    /// Features of a frame.
    pub width: usize,
    /// `frames * width` features, as measured: neither standardised nor weighted.
    pub values: Vec<f32>,
    /// The channels side by side in a frame; their widths add up to [`Self::width`].
    pub channels: Vec<ChannelSpan>,
}

impl FeatureClip {
    /// A clip of vision alone, of weight 1.
    #[must_use]
    pub fn vision(width: usize, values: Vec<f32>) -> Self {
        Self {
            width,
            values,
            channels: vec![ChannelSpan {
                channel: Channel::Vision,
                width,
                weight: 1.0,
            }],
        }
    }

    /// Number of frames.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.values.len() / self.width.max(1)
    }
}
