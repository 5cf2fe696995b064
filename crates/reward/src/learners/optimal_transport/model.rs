//! Scoring videos.

use apprentice_encoder::{AlignmentHead, FeatureClip};
use apprentice_optimal_transport::{CostMatrix, Metric, SinkhornConfig, TransportError, sinkhorn};
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
    /// What each moment's cost becomes.
    #[serde(default, skip_serializing_if = "RewardTransform::is_raw")]
    pub transform: RewardTransform,
    /// Models learnt without a part of the rankings.
    pub committee: Vec<RewardModel>,
}

/// What becomes of the mean distance `c` of a moment from what it is matched with (0 to 2 with the cosine
/// metric), in a video of `n` moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardTransform {
    /// `-c / n`: the moments' rewards add up to minus the transport cost.
    #[default]
    Raw,
    /// `-scale c^2`: what the author's public code gives to reinforcement learning.
    ScaledSquare {
        /// Weight of the squared distance.
        scale: f64,
    },
    /// `(1 - c / 2) / n`: the moments' rewards add up to a number from 0 to 1 (cosine metric only).
    UnitRange,
}

impl RewardTransform {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        *self == Self::Raw
    }

    /// Raw rewards of a video's moments, transformed.
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

/// A video's reward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Minus the transport cost to the closest preferred video (-2 to 0 with the cosine metric), or the sum
    /// of what [`RewardTransform`] makes of the moments.
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

    /// Similarity (minus the transport cost in the aligned space) of each of `anchors`, by index, with each
    /// of `clips`: one row an anchor.
    ///
    /// # Errors
    /// The first anchor's error, in order.
    pub fn similarities(
        &self,
        anchors: &[usize],
        clips: &[FeatureClip],
    ) -> Result<Vec<Vec<f64>>, TransportError> {
        let spaces: Vec<Vec<f32>> = clips.par_iter().map(|c| self.head.embed(c)).collect();
        let similarity = |anchor: usize, other: &[f32]| {
            let anchor = spaces.get(anchor).map_or(&[][..], Vec::as_slice);
            let cost = CostMatrix::between(anchor, other, self.head.output, self.metric);
            Ok(-sinkhorn(&cost, &self.transport)?.cost(&cost))
        };
        anchors
            .par_iter()
            .map(|&anchor| spaces.iter().map(|s| similarity(anchor, s)).collect())
            .collect()
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
        if let Some(best) = best.as_mut().filter(|_| !self.transform.is_raw()) {
            best.moments = self.transform.of(std::mem::take(&mut best.moments));
            best.total = best.moments.iter().sum();
        }
        best.ok_or(TransportError::Empty {
            rows: clip.moments(),
            columns: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model that takes features as they are.
    fn model(preferred: &[[f32; 4]]) -> RewardModel {
        RewardModel {
            head: AlignmentHead {
                input: 2,
                output: 2,
                mean: vec![0.0; 2],
                inverse_spread: vec![1.0; 2],
                weight: vec![1.0, 0.0, 0.0, 1.0],
                bias: vec![0.0; 2],
            },
            preferred: preferred.iter().map(|p| p.to_vec()).collect(),
            metric: Metric::Cosine,
            transport: SinkhornConfig::default(),
            transform: RewardTransform::Raw,
            committee: Vec::new(),
        }
    }

    fn clip(values: [f32; 4]) -> FeatureClip {
        FeatureClip {
            dim: 2,
            values: values.to_vec(),
        }
    }

    const THERE: [f32; 4] = [1.0, 0.0, 0.0, 1.0];
    const AWAY: [f32; 4] = [-1.0, 0.0, 0.0, -1.0];
    const HALF: [f32; 4] = [1.0, 0.0, 0.0, -1.0];

    #[test]
    fn moments_add_up_to_the_total_and_the_closest_preferred_video_counts() {
        let model = model(&[AWAY, THERE]);
        let scored = model.score(&clip(THERE)).unwrap();
        assert_eq!((scored.closest, scored.uncertainty), (1, 0.0));
        assert!(scored.total <= 0.0 && scored.total > -1e-6, "{scored:?}");
        let far = model.score(&clip([-1.0, -1.0, -1.0, -1.0])).unwrap();
        assert_eq!((far.closest, far.moments.len()), (0, 2));
        assert!((far.total - far.moments.iter().sum::<f64>()).abs() < 1e-12);
        assert!(far.total < scored.total);
        let all = model.score_all(&[clip(THERE), clip(AWAY)]).unwrap();
        assert_eq!(all, [scored, model.score(&clip(AWAY)).unwrap()]);
    }

    #[test]
    fn the_moment_that_is_off_pays() {
        let scored = model(&[THERE]).score(&clip(HALF)).unwrap();
        assert!(scored.moments[1] < scored.moments[0] - 0.1, "{scored:?}");
    }

    #[test]
    fn a_committee_that_disagrees_is_uncertainty() {
        let mut model = model(&[THERE]);
        let same = model.clone();
        model.committee = vec![same.clone(), same];
        assert_eq!(model.score(&clip(THERE)).unwrap().uncertainty, 0.0);
        model.committee[1].preferred = vec![AWAY.to_vec()];
        let apart = model.score(&clip(THERE)).unwrap().uncertainty;
        let totals = [THERE, AWAY].map(|p| {
            let alone = self::model(&[p]);
            alone.score(&clip(THERE)).unwrap().total
        });
        assert!(
            (apart - (totals[0] - totals[1]).abs() / 2.0).abs() < 1e-12,
            "{apart}"
        );
    }

    #[test]
    fn transforms_are_of_the_mean_distance() {
        // Distances 0.5 and 2 of two moments, half of each in the raw reward.
        let raw = || vec![-0.25, -1.0];
        assert_eq!(RewardTransform::Raw.of(raw()), raw());
        let square = RewardTransform::ScaledSquare { scale: 5.0 };
        assert_eq!(square.of(raw()), [-1.25, -20.0]);
        assert_eq!(RewardTransform::UnitRange.of(raw()), [0.375, 0.0]);
    }

    #[test]
    fn a_transform_keeps_the_order_and_is_written_only_when_there_is_one() {
        let mut model = model(&[THERE, AWAY]);
        let plain = serde_json::to_string(&model).unwrap();
        assert!(!plain.contains("transform"));
        assert_eq!(serde_json::from_str::<RewardModel>(&plain).unwrap(), model);
        model.transform = RewardTransform::UnitRange;
        let text = serde_json::to_string(&model).unwrap();
        assert_eq!(serde_json::from_str::<RewardModel>(&text).unwrap(), model);
        let total = |values| model.score(&clip(values)).unwrap().total;
        assert!(total(THERE) > 0.999 && total(THERE) > total(HALF) && total(HALF) > 0.0);
    }

    #[test]
    fn similarities_have_a_row_an_anchor() {
        let clips = [clip(THERE), clip(AWAY), clip([1.0, 0.0, 0.6, 0.8])];
        let rows = model(&[THERE]).similarities(&[0, 2], &clips).unwrap();
        assert_eq!((rows.len(), rows[0].len()), (2, 3));
        assert!(
            rows[0][0] > rows[0][2] && rows[0][2] > rows[0][1],
            "{rows:?}"
        );
        // As far as the iteration's tolerance goes.
        assert!((rows[0][2] - rows[1][0]).abs() < 1e-3, "{rows:?}");
        assert!(model(&[THERE]).similarities(&[7], &clips).is_err());
    }

    #[test]
    fn an_empty_clip_has_no_score() {
        let empty = FeatureClip {
            dim: 2,
            values: Vec::new(),
        };
        assert!(model(&[THERE]).score(&empty).is_err());
    }
}
