//! Min-max scaling to [-1, 1], kept with the weights.

use serde::{Deserialize, Serialize};

/// Ranges below this are treated as constant: such a dimension is centred, not stretched
/// (Diffusion Policy's `range_eps`).
const SMALLEST_RANGE: f32 = 1e-4;

/// Scales each dimension of a vector from the range seen in training to [-1, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinMaxNormalizer {
    scale: Vec<f32>,
    offset: Vec<f32>,
}

impl MinMaxNormalizer {
    /// Fits the ranges of `rows`, vectors of `dim` numbers one after the other.
    #[must_use]
    pub fn fit(rows: &[f32], dim: usize) -> Self {
        let mut low = vec![f32::INFINITY; dim];
        let mut high = vec![f32::NEG_INFINITY; dim];
        for row in rows.chunks_exact(dim) {
            for ((low, high), &v) in low.iter_mut().zip(&mut high).zip(row) {
                *low = low.min(v);
                *high = high.max(v);
            }
        }
        let (mut scale, mut offset) = (Vec::with_capacity(dim), Vec::with_capacity(dim));
        for (&low, &high) in low.iter().zip(&high) {
            let varies = high - low >= SMALLEST_RANGE;
            let s = if varies { 2.0 / (high - low) } else { 1.0 };
            let centre = if low.is_finite() {
                (low + high) / 2.0
            } else {
                0.0
            };
            scale.push(s);
            offset.push(-centre * s);
        }
        Self { scale, offset }
    }

    /// Numbers a vector has.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.scale.len()
    }

    /// Scales vectors in place, one after the other.
    pub fn normalize(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(self.dim().max(1)) {
            for ((v, s), o) in row.iter_mut().zip(&self.scale).zip(&self.offset) {
                *v = *v * s + o;
            }
        }
    }

    /// The inverse of [`Self::normalize`].
    pub fn denormalize(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(self.dim().max(1)) {
            for ((v, s), o) in row.iter_mut().zip(&self.scale).zip(&self.offset) {
                *v = (*v - o) / s;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_to_the_unit_range_and_back() {
        let rows = [0.0, 5.0, 2.0, 5.0, 1.0, 5.0];
        let n = MinMaxNormalizer::fit(&rows, 2);
        let mut scaled = rows;
        n.normalize(&mut scaled);
        assert_eq!(scaled, [-1.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        n.denormalize(&mut scaled);
        assert_eq!(scaled, rows);
    }
}
