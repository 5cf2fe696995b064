//! Scoring videos.

use apprentice_encoder::{AlignmentHead, FeatureClip};
use apprentice_transport::{CostMatrix, Metric, SinkhornConfig, TransportError, sinkhorn};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// An aligned head with the embeddings of the preferred videos, and heads of other folds that tell
/// how much the answer depends on which rankings were seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RewardModel {
    /// The metric space.
    pub head: AlignmentHead,
    /// Embeddings of the preferred videos.
    pub preferred: Vec<Vec<f32>>,
    /// Distance of two frames.
    pub metric: Metric,
    /// Transport between videos.
    pub transport: SinkhornConfig,
    /// Models learnt without a part of the rankings.
    pub committee: Vec<RewardModel>,
}

/// A video's reward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Minus the transport cost to the closest preferred video (-2 to 0 with the cosine metric).
    pub total: f64,
    /// Each moment's share; they add up to `total`.
    pub moments: Vec<f64>,
    /// Which preferred video was closest.
    pub closest: usize,
    /// Standard deviation of the committee's totals, each centred on its own model's scale.
    pub uncertainty: f64,
}

impl RewardModel {
    /// The reward of a video.
    ///
    /// # Errors
    /// When the clip is empty or has another feature dimension, so that no plan exists.
    pub fn score(&self, clip: &FeatureClip) -> Result<Scored, TransportError> {
        let mut scored = self.score_alone(clip)?;
        if !self.committee.is_empty() {
            let totals: Result<Vec<f64>, _> = self
                .committee
                .iter()
                .map(|m| m.score_alone(clip).map(|s| s.total))
                .collect();
            let totals = totals?;
            let mean = totals.iter().sum::<f64>() / totals.len() as f64;
            let square: f64 = totals.iter().map(|t| (t - mean) * (t - mean)).sum();
            scored.uncertainty = (square / totals.len() as f64).sqrt();
        }
        Ok(scored)
    }

    /// [`Self::score`] of many videos, on all cores.
    ///
    /// # Errors
    /// The first video's error, in order.
    pub fn score_all(&self, clips: &[FeatureClip]) -> Result<Vec<Scored>, TransportError> {
        clips.par_iter().map(|clip| self.score(clip)).collect()
    }

    fn score_alone(&self, clip: &FeatureClip) -> Result<Scored, TransportError> {
        let embedded = self.head.embed(clip);
        let mut best: Option<Scored> = None;
        for (closest, preferred) in self.preferred.iter().enumerate() {
            let cost = CostMatrix::between(&embedded, preferred, self.head.output, self.metric);
            let plan = sinkhorn(&cost, &self.transport)?;
            let moments: Vec<f64> = plan.row_costs(&cost).iter().map(|c| -c).collect();
            let total = moments.iter().sum();
            if best.as_ref().is_none_or(|b| total > b.total) {
                best = Some(Scored {
                    total,
                    moments,
                    closest,
                    uncertainty: 0.0,
                });
            }
        }
        best.ok_or(TransportError::Empty {
            rows: clip.moments(),
            columns: 0,
        })
    }
}
