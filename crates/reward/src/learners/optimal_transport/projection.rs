//! The linear map that carries the preference.

use crate::FeatureClip;
use serde::{Deserialize, Serialize};

/// Standardises features and maps them linearly: the only part of the eye that rankings train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlignmentHead {
    /// Numbers in.
    pub input: usize,
    /// Numbers out.
    pub output: usize,
    /// Mean of each feature over the clips the head was trained on.
    pub mean: Vec<f32>,
    /// One over the standard deviation of each feature (0 for a constant one; 1, with means of 0, where
    /// features are taken as they are).
    pub inverse_spread: Vec<f32>,
    /// `input * output` weights, row-major.
    pub weight: Vec<f32>,
    /// `output` offsets.
    pub bias: Vec<f32>,
}

impl AlignmentHead {
    /// The (mean, 1 / standard deviation) of each feature over `clips`.
    #[must_use]
    pub fn statistics<'a>(
        clips: impl Iterator<Item = &'a FeatureClip> + Clone,
        dim: usize,
    ) -> (Vec<f32>, Vec<f32>) {
        let (mut sum, mut square, mut count) = (vec![0.0f64; dim], vec![0.0f64; dim], 0.0f64);
        for row in clips.flat_map(|c| c.values.chunks_exact(dim)) {
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

    /// Features with mean 0 and spread 1.
    #[must_use]
    pub fn standardize(&self, clip: &FeatureClip) -> Vec<f32> {
        let scale = || self.mean.iter().zip(&self.inverse_spread);
        clip.values
            .chunks_exact(self.input.max(1))
            .flat_map(|row| row.iter().zip(scale()).map(|(v, (m, s))| (v - m) * s))
            .collect()
    }

    /// Embeddings of a clip's moments, `moments * output` numbers.
    #[must_use]
    pub fn embed(&self, clip: &FeatureClip) -> Vec<f32> {
        let rows = self.standardize(clip);
        let mut out = Vec::with_capacity(rows.len() / self.input.max(1) * self.output);
        for row in rows.chunks_exact(self.input.max(1)) {
            let start = out.len();
            out.extend_from_slice(&self.bias);
            for (x, weights) in row.iter().zip(self.weight.chunks_exact(self.output.max(1))) {
                out[start..]
                    .iter_mut()
                    .zip(weights)
                    .for_each(|(o, w)| *o += x * w);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip() -> FeatureClip {
        FeatureClip {
            dim: 2,
            values: vec![1.0, 5.0, 3.0, 5.0],
        }
    }

    #[test]
    fn statistics_are_of_every_moment_and_a_constant_feature_has_no_spread() {
        let clips = [clip(), clip()];
        let (mean, inverse_spread) = AlignmentHead::statistics(clips.iter(), 2);
        assert_eq!(mean, [2.0, 5.0]);
        assert_eq!(inverse_spread, [1.0, 0.0]);
    }

    #[test]
    fn an_embedding_is_the_standardised_features_times_the_weights() {
        let head = AlignmentHead {
            input: 2,
            output: 3,
            mean: vec![2.0, 4.0],
            inverse_spread: vec![1.0, 0.5],
            weight: vec![1.0, 0.0, 2.0, 0.0, 4.0, -2.0],
            bias: vec![0.0, 0.0, 10.0],
        };
        assert_eq!(head.standardize(&clip()), [-1.0, 0.5, 1.0, 0.5]);
        assert_eq!(head.embed(&clip()), [-1.0, 2.0, 7.0, 1.0, 2.0, 11.0]);
    }
}
