//! Scoring videos.

use super::projection::LinearProjection;
use super::transform::RewardTransform;
use crate::reward_model::{RewardModel, check_width, to_json};
use crate::{RewardError, Score};
use apprentice_encoder::FeatureClip;
use apprentice_optimal_transport::{CostMatrix, Metric, SinkhornConfig, sinkhorn};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A space in which videos are compared, with the embeddings of the preferred ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimalTransportModel {
    /// The map into the space.
    #[serde(rename = "head", alias = "projection")]
    pub projection: LinearProjection,
    /// Embeddings of the preferred videos.
    pub preferred: Vec<Vec<f32>>,
    /// Distance of two frames.
    pub metric: Metric,
    /// Optimal transport between videos.
    #[serde(rename = "transport", alias = "sinkhorn")]
    pub sinkhorn: SinkhornConfig,
    /// What each frame's cost becomes.
    #[serde(default, skip_serializing_if = "RewardTransform::is_raw")]
    pub transform: RewardTransform,
}

impl RewardModel for OptimalTransportModel {
    fn score(&self, clip: &FeatureClip) -> Result<Score, RewardError> {
        check_width(clip, self.projection.input)?;
        let embedded = self.projection.embed(clip);
        let mut best: Option<(Vec<f64>, f64, usize)> = None;
        for (closest, preferred) in self.preferred.iter().enumerate() {
            let width = self.projection.output;
            let cost = CostMatrix::between(&embedded, preferred, width, self.metric);
            let plan = sinkhorn(&cost, &self.sinkhorn)?;
            let per_frame: Vec<f64> = plan.row_costs(&cost).iter().map(|c| -c).collect();
            let total = per_frame.iter().sum();
            if best.as_ref().is_none_or(|b| total > b.1) {
                best = Some((per_frame, total, closest));
            }
        }
        let (mut per_frame, mut total, closest) = best.ok_or_else(|| {
            RewardError::Stored("it has no preferred video to compare with".into())
        })?;
        if !self.transform.is_raw() {
            per_frame = self.transform.of(per_frame);
            total = per_frame.iter().sum();
        }
        Ok(Score {
            total,
            per_frame,
            closest: Some(closest),
            uncertainty: 0.0,
        })
    }

    fn score_all(&self, clips: &[FeatureClip]) -> Result<Vec<Score>, RewardError> {
        clips.par_iter().map(|clip| self.score(clip)).collect()
    }

    /// Minus the optimal-transport cost in the model's space.
    fn similarities(
        &self,
        anchors: &[usize],
        clips: &[FeatureClip],
    ) -> Result<Vec<Vec<f64>>, RewardError> {
        let spaces: Vec<Vec<f32>> = clips.par_iter().map(|c| self.projection.embed(c)).collect();
        let similarity = |anchor: usize, other: &[f32]| {
            let anchor = spaces.get(anchor).map_or(&[][..], Vec::as_slice);
            let cost = CostMatrix::between(anchor, other, self.projection.output, self.metric);
            Ok(-sinkhorn(&cost, &self.sinkhorn)?.cost(&cost))
        };
        anchors
            .par_iter()
            .map(|&anchor| spaces.iter().map(|s| similarity(anchor, s)).collect())
            .collect()
    }

    fn save(&self) -> Result<Value, RewardError> {
        to_json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_encoder::Standardisation;

    /// A model that takes features as they are.
    fn model(preferred: &[[f32; 4]]) -> OptimalTransportModel {
        OptimalTransportModel {
            projection: LinearProjection {
                input: 2,
                output: 2,
                standardisation: Standardisation {
                    mean: vec![0.0; 2],
                    inverse_spread: vec![1.0; 2],
                },
                weight: vec![1.0, 0.0, 0.0, 1.0],
                bias: vec![0.0; 2],
            },
            preferred: preferred.iter().map(|p| p.to_vec()).collect(),
            metric: Metric::Cosine,
            sinkhorn: SinkhornConfig::default(),
            transform: RewardTransform::Raw,
        }
    }

    fn clip(values: [f32; 4]) -> FeatureClip {
        FeatureClip::vision(2, values.to_vec())
    }

    const THERE: [f32; 4] = [1.0, 0.0, 0.0, 1.0];
    const AWAY: [f32; 4] = [-1.0, 0.0, 0.0, -1.0];
    const HALF: [f32; 4] = [1.0, 0.0, 0.0, -1.0];

    #[test]
    fn frames_add_up_to_the_total_and_the_closest_preferred_video_counts() {
        let model = model(&[AWAY, THERE]);
        let near = model.score(&clip(THERE)).unwrap();
        assert_eq!((near.closest, near.uncertainty), (Some(1), 0.0));
        assert!(near.total <= 0.0 && near.total > -1e-6, "{near:?}");
        let far = model.score(&clip([-1.0, -1.0, -1.0, -1.0])).unwrap();
        assert_eq!((far.closest, far.per_frame.len()), (Some(0), 2));
        assert!((far.total - far.per_frame.iter().sum::<f64>()).abs() < 1e-12);
        assert!(far.total < near.total);
        let all = model.score_all(&[clip(THERE), clip(AWAY)]).unwrap();
        assert_eq!(all, [near, model.score(&clip(AWAY)).unwrap()]);
    }

    #[test]
    fn the_frame_that_is_off_pays() {
        let score = model(&[THERE]).score(&clip(HALF)).unwrap();
        assert!(score.per_frame[1] < score.per_frame[0] - 0.1, "{score:?}");
    }

    #[test]
    fn a_transform_keeps_the_order_and_is_written_only_when_there_is_one() {
        let mut model = model(&[THERE, AWAY]);
        let plain = serde_json::to_string(&model).unwrap();
        assert!(!plain.contains("transform"));
        let read = |text: &str| serde_json::from_str::<OptimalTransportModel>(text).unwrap();
        assert_eq!(read(&plain), model);
        model.transform = RewardTransform::UnitRange;
        let text = serde_json::to_string(&model).unwrap();
        assert_eq!(read(&text), model);
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
        let empty = FeatureClip::vision(2, Vec::new());
        assert!(model(&[THERE]).score(&empty).is_err());
    }
}
