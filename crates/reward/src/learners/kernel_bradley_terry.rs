//! A linear reward on the mean frame, by the kernel that frames span: the simplest that learns from orders, and hard to
//! beat where features are good.

use super::unit_frames::UnitFrames;
use crate::judged_clips::{JudgedClips, Order};
use crate::kernel_fit::{KernelFit, renumbered};
use crate::reward_learner::{LearningReport, RewardLearner, TrainedModel, Watch};
use crate::reward_model::{RewardModel, check_width, from_json, to_json};
use crate::{RewardError, Score};
use apprentice_core::Seed;
use apprentice_encoder::FeatureClip;
use apprentice_preference::RANKING;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Kinds of judgement that state an order by overall preference.
pub(super) const ORDERS: &[&str] = &[RANKING, "rating", "flag"];

/// Maximum a posteriori of the likelihood of all orders ([`Listwise`](crate::Listwise); of two clips: Bradley and Terry's) with scores
/// `f(clip) = w . mean_t u_t`, `u` frames centred on the judged clips and of unit length, and a Gaussian prior on `w`.
/// The kernel is scaled so that two judged clips are 1 apart in the mean square.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KernelBradleyTerry {
    /// Strength of the prior: the loss is the summed negative log likelihood plus half of this times the squared norm.
    pub prior: f64,
    /// Difference of scores below which two clips are as likely tied as not; 0: ties say nothing.
    pub tie_width: f64,
}

impl Default for KernelBradleyTerry {
    fn default() -> Self {
        Self {
            prior: 0.5,
            tie_width: 0.4,
        }
    }
}

impl RewardLearner for KernelBradleyTerry {
    fn uses(&self) -> &'static [&'static str] {
        ORDERS
    }

    fn validate(&self) -> Result<(), RewardError> {
        let refuse = |key, got: f64, allowed: &str| {
            let (got, allowed) = (got.to_string(), allowed.into());
            Err(RewardError::Config { key, got, allowed })
        };
        if !(self.prior > 0.0 && self.prior.is_finite()) {
            return refuse("reward.learner.prior", self.prior, "more than 0");
        }
        if !(self.tie_width >= 0.0 && self.tie_width.is_finite()) {
            return refuse("reward.learner.tie_width", self.tie_width, "0 or more");
        }
        Ok(())
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
        let (clips, orders) = renumbered(&orders);
        let of_clips: Vec<&FeatureClip> = clips.iter().map(|&c| &judged.clips[c]).collect();
        let frames = UnitFrames::of(&of_clips)?;
        let means: Vec<Vec<f64>> = of_clips.iter().map(|clip| frames.mean(clip)).collect();
        let fit = KernelFit {
            prior: self.prior,
            tie_width: self.tie_width,
        };
        let (weight, losses) = fit.weight(&means, &orders, watch)?;
        Ok(TrainedModel {
            model: Box::new(LinearReward { frames, weight }),
            report: LearningReport {
                comparisons,
                training_loss: losses,
                ..LearningReport::default()
            },
        })
    }

    fn load(&self, stored: Value) -> Result<Box<dyn RewardModel>, RewardError> {
        Ok(Box::new(from_json::<LinearReward>(stored)?))
    }
}

/// Pairs of clips that stand in different places.
pub(super) fn comparisons(orders: &[Order]) -> usize {
    let of = |order: &Order| {
        let places = &order.places;
        let better = places
            .iter()
            .map(|a| places.iter().filter(|b| a.1 < b.1).count());
        better.sum::<usize>()
    };
    let sure = orders.iter().filter(|order| order.confidence > 0.0);
    sure.map(of).sum()
}

/// `mean_t w . u_t`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LinearReward {
    frames: UnitFrames,
    weight: Vec<f64>,
}

impl RewardModel for LinearReward {
    fn score(&self, clip: &FeatureClip) -> Result<Score, RewardError> {
        check_width(clip, self.frames.width())?;
        let count = clip.frames() as f64;
        let share = |frame: Vec<f64>| {
            let products = frame.iter().zip(&self.weight).map(|(u, w)| u * w);
            products.sum::<f64>() / count
        };
        let per_frame: Vec<f64> = self.frames.frames(clip).map(share).collect();
        Ok(Score {
            total: per_frame.iter().sum(),
            per_frame,
            closest: None,
            uncertainty: 0.0,
        })
    }

    fn save(&self) -> Result<Value, RewardError> {
        to_json(self)
    }
}
