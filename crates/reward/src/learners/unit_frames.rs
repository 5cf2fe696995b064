//! Frames centred and of unit length: what kernel and transport compare.

use crate::RewardError;
use crate::reward_model::check_width;
use apprentice_encoder::FeatureClip;
use serde::{Deserialize, Serialize};

/// Centres frames on the clips that were judged, scales each channel as a whole to its weight, so that single features
/// keep their sizes to each other, and brings each frame to unit length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitFrames {
    mean: Vec<f64>,
    /// What each feature is multiplied by after centring; the same within a channel.
    scale: Vec<f64>,
}

impl UnitFrames {
    /// Of the frames of `clips`.
    ///
    /// # Errors
    /// When there is no frame, widths differ, or a feature is not finite.
    pub fn of(clips: &[&FeatureClip]) -> Result<Self, RewardError> {
        let Some(first) = clips.first() else {
            return Err(RewardError::NoData("no clip was judged".into()));
        };
        let width = first.width;
        let mut mean = vec![0.0; width];
        let mut count = 0.0;
        for clip in clips {
            check_width(clip, width)?;
            for frame in clip.values.chunks_exact(width) {
                count += 1.0;
                add(&mut mean, frame);
            }
        }
        mean.iter_mut().for_each(|m| *m /= count);
        let mut square = vec![0.0; width];
        for frame in clips
            .iter()
            .flat_map(|clip| clip.values.chunks_exact(width))
        {
            let each = square.iter_mut().zip(frame).zip(&mean);
            each.for_each(|((s, v), m)| *s += (f64::from(*v) - m).powi(2));
        }
        let mut scale = Vec::with_capacity(width);
        for span in &first.channels {
            let of_channel = &square[scale.len()..scale.len() + span.width];
            let length = (of_channel.iter().sum::<f64>() / count).sqrt();
            // A channel that never changes says nothing.
            let factor = if length > 1e-12 {
                f64::from(span.weight) / length
            } else {
                0.0
            };
            scale.extend(std::iter::repeat_n(factor, span.width));
        }
        if mean.iter().chain(&scale).any(|v| !v.is_finite()) {
            return Err(RewardError::NotFinite("a feature of a clip".into()));
        }
        Ok(Self { mean, scale })
    }

    /// Features of a frame.
    pub fn width(&self) -> usize {
        self.mean.len()
    }

    /// The frames of a clip of this width.
    pub fn frames<'a>(&'a self, clip: &'a FeatureClip) -> impl Iterator<Item = Vec<f64>> + 'a {
        clip.values.chunks_exact(self.width()).map(|frame| {
            let centred = frame.iter().zip(&self.mean).zip(&self.scale);
            let mut unit: Vec<f64> = centred.map(|((v, m), s)| (f64::from(*v) - m) * s).collect();
            let length = unit.iter().map(|v| v * v).sum::<f64>().sqrt();
            if length > 1e-12 {
                unit.iter_mut().for_each(|v| *v /= length);
            }
            unit
        })
    }

    /// Their mean.
    pub fn mean(&self, clip: &FeatureClip) -> Vec<f64> {
        let mut mean = vec![0.0; self.width()];
        for frame in self.frames(clip) {
            mean.iter_mut().zip(&frame).for_each(|(m, v)| *m += v);
        }
        let count = clip.frames().max(1) as f64;
        mean.iter_mut().for_each(|m| *m /= count);
        mean
    }
}

fn add(sum: &mut [f64], frame: &[f32]) {
    sum.iter_mut()
        .zip(frame)
        .for_each(|(s, v)| *s += f64::from(*v));
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_encoder::{Channel, ChannelSpan};

    #[test]
    fn channels_count_by_their_weight_and_not_by_their_unit() {
        let span = |channel, weight| ChannelSpan {
            channel,
            width: 1,
            weight,
        };
        // The second channel is a thousand times larger and half as heavy.
        let clip = |a: f32, b: f32| FeatureClip {
            width: 2,
            values: vec![a, b, -a, -b],
            channels: vec![span(Channel::Vision, 1.0), span(Channel::Velocity, 0.5)],
        };
        let clips = [clip(1.0, 1000.0), clip(1.0, -1000.0)];
        let frames = UnitFrames::of(&[&clips[0], &clips[1]]).unwrap();
        let first = frames.frames(&clips[0]).next().unwrap();
        let wanted = [1.0 / 1.25f64.sqrt(), 0.5 / 1.25f64.sqrt()];
        assert!(
            first.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9),
            "{first:?}"
        );
        assert!(frames.mean(&clips[0]).iter().all(|m| m.abs() < 1e-12));
        assert!(UnitFrames::of(&[]).is_err());
    }
}
