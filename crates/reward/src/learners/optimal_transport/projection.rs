//! The linear map into the space in which videos are compared.

use apprentice_encoder::{FeatureClip, Standardisation};
use serde::{Deserialize, Serialize};

/// Standardises features and maps them linearly: the only part of what turns a frame into an embedding that rankings
/// train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearProjection {
    /// Numbers in.
    pub input: usize,
    /// Numbers out.
    pub output: usize,
    /// Fitted to the clips the projection was trained on.
    #[serde(flatten)]
    pub standardisation: Standardisation,
    /// `input * output` weights, row-major.
    pub weight: Vec<f32>,
    /// `output` offsets.
    pub bias: Vec<f32>,
}

impl LinearProjection {
    /// Embeddings of a clip's frames, `frames * output` numbers.
    #[must_use]
    pub fn embed(&self, clip: &FeatureClip) -> Vec<f32> {
        let rows = self.standardisation.apply(clip);
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
        FeatureClip::vision(2, vec![1.0, 5.0, 3.0, 5.0])
    }

    #[test]
    fn an_embedding_is_the_standardised_features_times_the_weights() {
        let projection = LinearProjection {
            input: 2,
            output: 3,
            standardisation: Standardisation {
                mean: vec![2.0, 4.0],
                inverse_spread: vec![1.0, 0.5],
            },
            weight: vec![1.0, 0.0, 2.0, 0.0, 4.0, -2.0],
            bias: vec![0.0, 0.0, 10.0],
        };
        assert_eq!(projection.embed(&clip()), [-1.0, 2.0, 7.0, 1.0, 2.0, 11.0]);
    }
}
