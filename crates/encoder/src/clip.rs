//! A video as the encoder sees it: a fixed number of moments, every camera at each.

use crate::EncoderError;
use apprentice_core::Image;
use serde::{Deserialize, Serialize};

/// How videos are cut down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClipConfig {
    /// Moments taken from an episode, evenly spread, first and last included (RAPL's code: 45, every
    /// frame of its episodes).
    pub frames: usize,
}

impl Default for ClipConfig {
    fn default() -> Self {
        Self { frames: 16 }
    }
}

impl ClipConfig {
    /// Whether a clip can be cut with these settings.
    ///
    /// # Errors
    /// Names the key, its value and what is allowed.
    pub fn validate(&self) -> Result<(), EncoderError> {
        if self.frames < 2 {
            return Err(EncoderError::Config {
                key: "encoder.clip.frames",
                got: self.frames.to_string(),
                allowed: "2 or more (the first and the last moment)",
            });
        }
        Ok(())
    }
}

/// Pictures of some moments of an episode.
#[derive(Clone, Debug)]
pub struct Clip {
    /// For each moment, one picture a camera.
    pub moments: Vec<Vec<Image>>,
}

impl Clip {
    /// Takes `config.frames` moments of `episode`, whose entries hold one picture a camera.
    ///
    /// # Errors
    /// When the settings cannot work.
    pub fn from_episode<'a>(
        episode: impl ExactSizeIterator<Item = Vec<&'a Image>>,
        config: &ClipConfig,
    ) -> Result<Self, EncoderError> {
        config.validate()?;
        let chosen = moments(episode.len(), config.frames);
        let all: Vec<Vec<&Image>> = episode.collect();
        let moments = chosen
            .iter()
            .map(|&i| all[i].iter().map(|&image| image.clone()).collect())
            .collect();
        Ok(Self { moments })
    }
}

/// Indices of `count` evenly spread moments among `length`; fewer when the episode is shorter.
#[must_use]
pub fn moments(length: usize, count: usize) -> Vec<usize> {
    if length <= count || count < 2 {
        return (0..length.min(count.max(length.min(1)))).collect();
    }
    (0..count)
        .map(|i| (i * (length - 1) + (count - 1) / 2) / (count - 1))
        .collect()
}

/// The features of a clip's moments, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureClip {
    /// Numbers a moment has.
    pub dim: usize,
    /// `moments * dim` numbers.
    pub values: Vec<f32>,
}

impl FeatureClip {
    /// Number of moments.
    #[must_use]
    pub fn moments(&self) -> usize {
        self.values.len() / self.dim.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_and_last_moments_are_kept() {
        for length in [16, 17, 50, 101] {
            let chosen = moments(length, 16);
            assert_eq!((chosen.len(), chosen[0], chosen[15]), (16, 0, length - 1));
            assert!(chosen.windows(2).all(|w| w[0] < w[1]));
        }
        assert_eq!(moments(3, 16), [0, 1, 2]);
        assert!(moments(0, 16).is_empty());
    }

    #[test]
    fn a_clip_of_one_moment_is_refused() {
        let nothing = std::iter::empty::<Vec<&Image>>();
        let error = Clip::from_episode(nothing, &ClipConfig { frames: 1 }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "encoder setting encoder.clip.frames is 1, allowed: 2 or more (the first and the last moment); \
             change it in the configuration"
        );
    }
}
