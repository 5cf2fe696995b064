//! What it costs to match one frame with another.

use serde::{Deserialize, Serialize};

/// How far apart two embedded frames are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// 1 - cosine of the angle between them, 0 to 2.
    #[default]
    Cosine,
    /// Length of their difference, not squared.
    Euclidean,
}

/// Costs of matching each of `rows` frames with each of `columns` frames, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct CostMatrix {
    /// Frames of the first sequence.
    pub rows: usize,
    /// Frames of the second sequence.
    pub columns: usize,
    /// `rows * columns` costs.
    pub values: Vec<f64>,
}

impl CostMatrix {
    /// Costs between two sequences of embeddings, `dim` numbers a frame, one after the other.
    #[must_use]
    pub fn between(a: &[f32], b: &[f32], dim: usize, metric: Metric) -> Self {
        let (rows, columns) = (a.len() / dim.max(1), b.len() / dim.max(1));
        let mut values = Vec::with_capacity(rows * columns);
        for x in a.chunks_exact(dim.max(1)) {
            for y in b.chunks_exact(dim.max(1)) {
                values.push(metric.distance(x, y));
            }
        }
        Self {
            rows,
            columns,
            values,
        }
    }
}

impl Metric {
    /// Distance of two embeddings of the same length.
    #[must_use]
    pub fn distance(self, x: &[f32], y: &[f32]) -> f64 {
        let pairs = || x.iter().zip(y).map(|(&a, &b)| (f64::from(a), f64::from(b)));
        match self {
            Self::Cosine => {
                let (mut dot, mut xx, mut yy) = (0.0, 0.0, 0.0);
                for (a, b) in pairs() {
                    dot += a * b;
                    xx += a * a;
                    yy += b * b;
                }
                1.0 - dot / (xx * yy).sqrt().max(1e-12)
            }
            Self::Euclidean => pairs().map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt(),
        }
    }
}
