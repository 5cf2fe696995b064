//! What becomes of a frame's cost.

use serde::{Deserialize, Serialize};

/// What becomes of the mean distance `c` of a frame from what it is matched with (0 to 2 with the cosine
/// metric), in a video of `n` frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardTransform {
    /// `-c / n`: the frames' rewards add up to minus the transport cost.
    #[default]
    Raw,
    /// `-scale c^2`: what the author's public code gives to reinforcement learning.
    ScaledSquare {
        /// Weight of the squared distance.
        scale: f64,
    },
    /// `(1 - c / 2) / n`: the frames' rewards add up to a number from 0 to 1 (cosine metric only).
    UnitRange,
}

impl RewardTransform {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        *self == Self::Raw
    }

    /// Raw rewards of a video's frames, transformed.
    #[must_use]
    pub fn of(self, raw: Vec<f64>) -> Vec<f64> {
        let n = raw.len() as f64;
        let each = |f: &dyn Fn(f64) -> f64| raw.iter().map(|r| f(-r * n)).collect();
        match self {
            Self::Raw => raw,
            Self::ScaledSquare { scale } => each(&|c| -scale * c * c),
            Self::UnitRange => each(&|c| (1.0 - c / 2.0) / n),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_are_of_the_mean_distance() {
        // Distances 0.5 and 2 of two frames, half of each in the raw reward.
        let raw = || vec![-0.25, -1.0];
        assert_eq!(RewardTransform::Raw.of(raw()), raw());
        let square = RewardTransform::ScaledSquare { scale: 5.0 };
        assert_eq!(square.of(raw()), [-1.25, -20.0]);
        assert_eq!(RewardTransform::UnitRange.of(raw()), [0.375, 0.0]);
    }
}
