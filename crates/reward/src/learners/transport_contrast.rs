//! Similarity to winners less similarity to losers, by optimal transport in the space that the features span.

use super::kernel_bradley_terry::{ORDERS, comparisons};
use super::unit_frames::UnitFrames;
use crate::judged_clips::{JudgedClips, Order};
use crate::reward_learner::{LearningReport, RewardLearner, TrainedModel, Watch};
use crate::reward_model::{RewardModel, check_width, from_json, to_json};
use crate::{RewardError, Score};
use apprentice_core::Seed;
use apprentice_encoder::FeatureClip;
use apprentice_optimal_transport::{CostMatrix, Metric, SinkhornConfig, sinkhorn};
use burn::tensor::Device;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Frames nearer than this in every number are of the same clip, which says nothing of how good it is.
const ITSELF: f64 = 1e-6;

/// RAPL's distance (arXiv 2412.04835) where few labels cannot train it: frames centred and of unit length, compared as
/// they are, and every judged clip a prototype, for or against, so that nothing hangs on a "best" that happened to be
/// the best of four. A clip that is scored is not compared with itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransportContrast {
    /// Weight of the entropy, in units of the cosine distance.
    pub epsilon: f64,
}

impl Default for TransportContrast {
    fn default() -> Self {
        Self { epsilon: 0.05 }
    }
}

impl RewardLearner for TransportContrast {
    fn uses(&self) -> &'static [&'static str] {
        ORDERS
    }

    fn validate(&self) -> Result<(), RewardError> {
        if self.epsilon > 0.0 && self.epsilon.is_finite() {
            return Ok(());
        }
        Err(RewardError::Config {
            key: "reward.learner.epsilon",
            got: self.epsilon.to_string(),
            allowed: "more than 0".into(),
        })
    }

    fn learn(
        &self,
        judged: &JudgedClips<'_>,
        _seed: Seed,
        _device: &Device,
        watch: &mut Watch<'_>,
    ) -> Result<TrainedModel, RewardError> {
        let orders = judged.orders()?;
        let comparisons = comparisons(&orders);
        if comparisons == 0 {
            return Err(RewardError::NothingPreferred(orders.len()));
        }
        if !watch(0.5) {
            return Err(RewardError::Stopped);
        }
        let clips: BTreeMap<usize, f64> = worth(&orders);
        let of_clips: Vec<&FeatureClip> = clips.keys().map(|&c| &judged.clips[c]).collect();
        let frames = UnitFrames::of(&of_clips)?;
        let (mut winners, mut losers) = (Vec::new(), Vec::new());
        let mut preferred = Vec::new();
        for (&number, &worth) in &clips {
            let prototype = Prototype {
                frames: flat(&frames, &judged.clips[number]),
                weight: worth.abs(),
            };
            if worth > 0.0 {
                preferred.push(number);
                winners.push(prototype);
            } else if worth < 0.0 {
                losers.push(prototype);
            }
        }
        if winners.is_empty() || losers.is_empty() {
            // Everybody won as often as they lost.
            return Err(RewardError::NothingPreferred(orders.len()));
        }
        let model = ContrastModel {
            frames,
            winners,
            losers,
            epsilon: self.epsilon,
        };
        Ok(TrainedModel {
            model: Box::new(model),
            report: LearningReport {
                preferred,
                comparisons,
                ..LearningReport::default()
            },
        })
    }

    fn load(&self, stored: Value) -> Result<Box<dyn RewardModel>, RewardError> {
        Ok(Box::new(from_json::<ContrastModel>(stored)?))
    }
}

/// What orders say of each clip: the share of comparisons that it won less that which it lost, summed over orders, each
/// as sure as it is.
fn worth(orders: &[Order]) -> BTreeMap<usize, f64> {
    let mut worth = BTreeMap::new();
    for order in orders {
        for &(clip, place) in &order.places {
            let count = |better: &dyn Fn(usize) -> bool| {
                order.places.iter().filter(|other| better(other.1)).count() as f64
            };
            let (won, lost) = (count(&|p| p > place), count(&|p| p < place));
            let net = if won + lost > 0.0 {
                (won - lost) / (won + lost)
            } else {
                0.0
            };
            *worth.entry(clip).or_insert(0.0) += order.confidence * net;
        }
    }
    worth
}

fn flat(frames: &UnitFrames, clip: &FeatureClip) -> Vec<f32> {
    frames.frames(clip).flatten().map(|v| v as f32).collect()
}

/// A judged clip and how much it counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Prototype {
    frames: Vec<f32>,
    weight: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ContrastModel {
    frames: UnitFrames,
    winners: Vec<Prototype>,
    losers: Vec<Prototype>,
    epsilon: f64,
}

impl ContrastModel {
    fn sinkhorn(&self) -> SinkhornConfig {
        SinkhornConfig {
            epsilon: self.epsilon,
            ..SinkhornConfig::default()
        }
    }

    fn cost(&self, a: &[f32], b: &[f32]) -> CostMatrix {
        CostMatrix::between(a, b, self.frames.width(), Metric::Cosine)
    }

    /// Weighted mean over prototypes of each frame's cost, but for those that are the clip itself.
    fn costs(&self, clip: &[f32], of: &[Prototype], count: usize) -> Result<Vec<f64>, RewardError> {
        let (mut sum, mut weight) = (vec![0.0; count], 0.0);
        for prototype in of.iter().filter(|prototype| !same(clip, &prototype.frames)) {
            let cost = self.cost(clip, &prototype.frames);
            let plan = sinkhorn(&cost, &self.sinkhorn())?;
            let rows = plan.row_costs(&cost);
            weight += prototype.weight;
            let each = sum.iter_mut().zip(rows.iter());
            each.for_each(|(s, c)| *s += prototype.weight * c);
        }
        if weight > 0.0 {
            sum.iter_mut().for_each(|s| *s /= weight);
        }
        Ok(sum)
    }
}

fn same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| f64::from((a - b).abs()) < ITSELF)
}

impl RewardModel for ContrastModel {
    fn score(&self, clip: &FeatureClip) -> Result<Score, RewardError> {
        check_width(clip, self.frames.width())?;
        let (count, clip) = (clip.frames(), flat(&self.frames, clip));
        let winners = self.costs(&clip, &self.winners, count)?;
        let losers = self.costs(&clip, &self.losers, count)?;
        let per_frame: Vec<f64> = losers.iter().zip(&winners).map(|(l, w)| l - w).collect();
        Ok(Score {
            total: per_frame.iter().sum(),
            per_frame,
            closest: None,
            uncertainty: 0.0,
        })
    }

    fn score_all(&self, clips: &[FeatureClip]) -> Result<Vec<Score>, RewardError> {
        clips.par_iter().map(|clip| self.score(clip)).collect()
    }

    /// Minus the cost of optimal transport between the clips.
    fn similarities(
        &self,
        anchors: &[usize],
        clips: &[FeatureClip],
    ) -> Result<Vec<Vec<f64>>, RewardError> {
        let checked = clips
            .iter()
            .map(|clip| check_width(clip, self.frames.width()));
        checked.collect::<Result<(), _>>()?;
        let spaces: Vec<Vec<f32>> = clips.par_iter().map(|c| flat(&self.frames, c)).collect();
        let similarity = |anchor: &[f32], other: &[f32]| {
            let cost = self.cost(anchor, other);
            Ok(-sinkhorn(&cost, &self.sinkhorn())?.cost(&cost))
        };
        let row = |&anchor: &usize| {
            let space = spaces.get(anchor).ok_or_else(|| {
                RewardError::NoData(format!("clip {anchor} of {} clips", clips.len()))
            })?;
            spaces
                .iter()
                .map(|other| similarity(space, other))
                .collect()
        };
        anchors.par_iter().map(row).collect()
    }

    fn save(&self) -> Result<Value, RewardError> {
        to_json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(places: &[(usize, usize)]) -> Order {
        Order {
            places: places.to_vec(),
            confidence: 1.0,
        }
    }

    #[test]
    fn clips_are_for_or_against_by_what_they_won() {
        let found = worth(&[
            order(&[(0, 0), (1, 1), (2, 1), (3, 1)]),
            order(&[(1, 0), (4, 1)]),
        ]);
        // The second lost to one of three rivals and won against one.
        assert_eq!(found[&0], 1.0);
        assert_eq!((found[&1], found[&2], found[&4]), (0.0, -1.0, -1.0));
    }
}
