//! A video as the encoder is given it: a fixed number of frames, every camera at each.

use crate::{Channel, EncoderError};
use apprentice_core::Image;
use apprentice_episode::{Episode, Tick};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How videos are cut down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClipConfig {
    /// Frames taken from an episode, evenly spread, first and last included (RAPL's code: 45, every
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
                key: "encoder.clip.frames".into(),
                got: self.frames.to_string(),
                allowed: "2 or more (the first and the last frame)",
            });
        }
        Ok(())
    }
}

/// What was measured at one time step.
#[derive(Clone, Debug, Default)]
pub struct ClipFrame {
    /// One image a camera.
    pub images: Vec<Image>,
    /// The numbers of each channel but vision; a channel that the robot does not give is not there.
    pub signals: BTreeMap<Channel, Vec<f32>>,
}

impl ClipFrame {
    /// Of images alone.
    #[must_use]
    pub fn of_images(images: Vec<Image>) -> Self {
        Self {
            images,
            signals: BTreeMap::new(),
        }
    }

    fn of_tick(tick: &Tick, began_ns: u64) -> Self {
        let state = &tick.observation.state;
        let narrow = |values: &[f64]| values.iter().map(|&v| v as f32).collect::<Vec<f32>>();
        let seconds = tick.stamp_ns.saturating_sub(began_ns) as f64 * 1e-9;
        let mut signals = BTreeMap::from([
            (Channel::Proprioception, tick.proprioception.clone()),
            (Channel::Velocity, narrow(&state.velocities)),
            (Channel::ElapsedTime, vec![seconds as f32]),
        ]);
        if let Some(efforts) = &state.efforts {
            signals.insert(Channel::Effort, narrow(efforts));
        }
        let images = tick.observation.frames.iter();
        Self {
            images: images.map(|f| f.image.clone()).collect(),
            signals,
        }
    }
}

/// Some frames of an episode.
#[derive(Clone, Debug)]
pub struct Clip {
    /// In the order of time.
    pub frames: Vec<ClipFrame>,
}

impl Clip {
    /// Takes `config.frames` frames of `episode`.
    ///
    /// # Errors
    /// When the settings cannot work.
    pub fn from_episode(episode: &Episode, config: &ClipConfig) -> Result<Self, EncoderError> {
        config.validate()?;
        let began_ns = episode.ticks.first().map_or(0, |t| t.stamp_ns);
        let chosen = evenly_spaced(episode.ticks.len(), config.frames);
        let frames = chosen
            .into_iter()
            .filter_map(|i| episode.ticks.get(i))
            .map(|tick| ClipFrame::of_tick(tick, began_ns))
            .collect();
        Ok(Self { frames })
    }
}

/// Indices of `count` evenly spread frames among `length`; fewer when the episode is shorter.
#[must_use]
pub fn evenly_spaced(length: usize, count: usize) -> Vec<usize> {
    if length <= count || count < 2 {
        return (0..length.min(count.max(length.min(1)))).collect();
    }
    (0..count)
        .map(|i| (i * (length - 1) + (count - 1) / 2) / (count - 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_and_last_frames_are_kept() {
        for length in [16, 17, 50, 101] {
            let chosen = evenly_spaced(length, 16);
            assert_eq!((chosen.len(), chosen[0], chosen[15]), (16, 0, length - 1));
            assert!(chosen.windows(2).all(|w| w[0] < w[1]));
        }
        assert_eq!(evenly_spaced(3, 16), [0, 1, 2]);
        assert!(evenly_spaced(0, 16).is_empty());
    }

    #[test]
    fn a_clip_of_one_frame_is_refused() {
        let error = ClipConfig { frames: 1 }.validate().unwrap_err();
        assert_eq!(
            error.to_string(),
            "encoder setting encoder.clip.frames is 1, allowed: 2 or more (the first and the last frame); \
             change it in the configuration"
        );
    }
}
