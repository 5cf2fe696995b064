//! Mean 0, standard deviation 1, and the weight of the channel.

use crate::{ChannelSpan, FeatureClip};
use serde::{Deserialize, Serialize};

/// An affine map of each feature: `(value - mean) * inverse_spread`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardisation {
    /// Mean of each feature over the clips it was fitted to (0 where features are taken as they are).
    pub mean: Vec<f32>,
    /// The channel's weight over the standard deviation of each feature (0 for a constant one; the weight alone
    /// where features are taken as they are).
    pub inverse_spread: Vec<f32>,
}

impl Standardisation {
    /// Fits `clips`, whose channels are those of the first. Features of a single channel are standardised only where
    /// `single` says so; several are always, since their units differ.
    #[must_use]
    pub fn fit(clips: &[FeatureClip], single: bool) -> Self {
        let Some(first) = clips.first() else {
            return Self {
                mean: Vec::new(),
                inverse_spread: Vec::new(),
            };
        };
        let (mean, mut inverse_spread) = if single || first.channels.len() > 1 {
            statistics(clips.iter(), first.width)
        } else {
            (vec![0.0; first.width], vec![1.0; first.width])
        };
        let weights = first
            .channels
            .iter()
            .flat_map(|&ChannelSpan { width, weight, .. }| std::iter::repeat_n(weight, width));
        for (inverse, weight) in inverse_spread.iter_mut().zip(weights) {
            *inverse *= weight;
        }
        Self {
            mean,
            inverse_spread,
        }
    }

    /// Features of a frame.
    #[must_use]
    pub fn width(&self) -> usize {
        self.mean.len()
    }

    /// Standardised and weighted features of a clip's frames, one frame after the other.
    #[must_use]
    pub fn apply(&self, clip: &FeatureClip) -> Vec<f32> {
        let scale = || self.mean.iter().zip(&self.inverse_spread);
        clip.values
            .chunks_exact(self.width().max(1))
            .flat_map(|row| row.iter().zip(scale()).map(|(v, (m, s))| (v - m) * s))
            .collect()
    }
}

/// The (mean, 1 / standard deviation) of each feature over `clips`.
fn statistics<'a>(
    clips: impl Iterator<Item = &'a FeatureClip> + Clone,
    width: usize,
) -> (Vec<f32>, Vec<f32>) {
    let (mut sum, mut square, mut count) = (vec![0.0f64; width], vec![0.0f64; width], 0.0f64);
    for row in clips.flat_map(|c| c.values.chunks_exact(width.max(1))) {
        count += 1.0;
        for ((s, q), &v) in sum.iter_mut().zip(&mut square).zip(row) {
            *s += f64::from(v);
            *q += f64::from(v) * f64::from(v);
        }
    }
    let count = count.max(1.0);
    let mean: Vec<f64> = sum.iter().map(|s| s / count).collect();
    let inverse = square.iter().zip(&mean).map(|(q, m)| {
        let spread = (q / count - m * m).max(0.0).sqrt();
        if spread > 1e-6 {
            (1.0 / spread) as f32
        } else {
            0.0
        }
    });
    let inverse = inverse.collect();
    (mean.iter().map(|&m| m as f32).collect(), inverse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Channel;

    fn clip() -> FeatureClip {
        FeatureClip::vision(2, vec![1.0, 5.0, 3.0, 5.0])
    }

    #[test]
    fn statistics_are_of_every_frame_and_a_constant_feature_has_no_spread() {
        let fitted = Standardisation::fit(&[clip(), clip()], true);
        assert_eq!(fitted.mean, [2.0, 5.0]);
        assert_eq!(fitted.inverse_spread, [1.0, 0.0]);
        assert_eq!(fitted.apply(&clip()), [-1.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn one_channel_may_stay_as_it_is_and_several_are_weighted() {
        let plain = Standardisation::fit(&[clip()], false);
        assert_eq!(plain.apply(&clip()), clip().values);
        let mut both = clip();
        both.values = vec![1.0, 5.0, 3.0, 9.0];
        both.channels = [(Channel::Vision, 1.0), (Channel::Effort, 0.5)]
            .map(|(channel, weight)| ChannelSpan {
                channel,
                width: 1,
                weight,
            })
            .to_vec();
        let fitted = Standardisation::fit(&[both.clone()], false);
        assert_eq!(fitted.apply(&both), [-1.0, -0.5, 1.0, 0.5]);
    }
}
