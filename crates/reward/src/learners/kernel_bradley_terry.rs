//! A linear reward on the mean frame, by the kernel that frames span: the simplest that learns from orders, and hard to
//! beat where features are good.

use super::unit_frames::UnitFrames;
use crate::judged_clips::{JudgedClips, Order};
use crate::listwise::Listwise;
use crate::reward_learner::{LearningReport, RewardLearner, TrainedModel, Watch};
use crate::reward_model::{RewardModel, check_width, from_json, to_json};
use crate::{RewardError, Score};
use apprentice_core::Seed;
use apprentice_encoder::FeatureClip;
use apprentice_preference::RANKING;
use burn::tensor::Device;
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Kinds of judgement that state an order by overall preference.
pub(super) const ORDERS: &[&str] = &[RANKING, "rating", "flag"];
/// Newton steps at most; the loss is convex, and a handful do.
const NEWTON_STEPS: usize = 50;

/// Maximum a posteriori of the likelihood of all orders ([`Listwise`]; of two clips: Bradley and Terry's) with scores
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
        let (kernel, scale) = scaled_kernel(&means);
        let (coefficients, losses) = self.fit(&kernel, &orders, watch)?;
        let mut weight = vec![0.0; frames.width()];
        for (coefficient, mean) in coefficients.iter().zip(&means) {
            let each = weight.iter_mut().zip(mean);
            each.for_each(|(w, m)| *w += scale * coefficient * m);
        }
        if weight.iter().any(|w| !w.is_finite()) {
            return Err(RewardError::NotFinite("a weight of the reward".into()));
        }
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

impl KernelBradleyTerry {
    /// Coefficients of the clips' kernel functions, by Newton's method with halved steps, and the loss after each.
    fn fit(
        &self,
        kernel: &DMatrix<f64>,
        orders: &[Order],
        watch: &mut Watch<'_>,
    ) -> Result<(DVector<f64>, Vec<f64>), RewardError> {
        let n = kernel.nrows();
        let listwise = Listwise::new(self.tie_width);
        let loss = |a: &DVector<f64>| {
            let scores = kernel * a;
            listwise.loss(orders, scores.as_slice()) + 0.5 * self.prior * a.dot(&scores)
        };
        let mut at = DVector::zeros(n);
        let mut losses = vec![loss(&at)];
        for step in 0..NEWTON_STEPS {
            if !watch((step + 1) as f64 / NEWTON_STEPS as f64) {
                return Err(RewardError::Stopped);
            }
            let scores = kernel * &at;
            let curvature = listwise.curvature(orders, scores.as_slice());
            let gradient = curvature.gradient + &at * self.prior;
            let system = curvature.hessian * kernel + DMatrix::identity(n, n) * self.prior;
            let direction = system.lu().solve(&gradient);
            let direction =
                direction.ok_or_else(|| RewardError::NotFinite("a Newton step".into()))?;
            let before = losses.last().copied().unwrap_or(f64::INFINITY);
            let halved = (0..30).map(|k| &at - &direction * 0.5f64.powi(k));
            let next = halved
                .map(|a| (loss(&a), a))
                .find(|(loss, _)| *loss <= before);
            let Some((now, next)) = next else {
                break;
            };
            at = next;
            losses.push(now);
            if before - now <= 1e-10 * before.abs().max(1.0) {
                break;
            }
        }
        Ok((at, losses))
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

/// The clips that orders are about, and the orders with numbers into these.
fn renumbered(orders: &[Order]) -> (Vec<usize>, Vec<Order>) {
    let judged = orders.iter().flat_map(|o| o.places.iter().map(|p| p.0));
    let mut number: BTreeMap<usize, usize> = judged.map(|clip| (clip, 0)).collect();
    for (at, number) in number.values_mut().enumerate() {
        *number = at;
    }
    let renumber = |order: &Order| Order {
        places: (order.places.iter())
            .filter_map(|(clip, place)| Some((*number.get(clip)?, *place)))
            .collect(),
        confidence: order.confidence,
    };
    let orders = orders.iter().map(renumber).collect();
    (number.into_keys().collect(), orders)
}

/// Inner products, scaled so that two clips are 1 apart in the mean square; and the scale.
fn scaled_kernel(means: &[Vec<f64>]) -> (DMatrix<f64>, f64) {
    let n = means.len();
    let dot = |i: usize, j: usize| -> f64 {
        let products = means[i].iter().zip(&means[j]).map(|(a, b)| a * b);
        products.sum()
    };
    let kernel = DMatrix::from_fn(n, n, |i, j| if i <= j { dot(i, j) } else { 0.0 });
    let kernel = DMatrix::from_fn(n, n, |i, j| kernel[(i.min(j), i.max(j))]);
    let mut square = 0.0;
    for i in 0..n {
        for j in 0..i {
            square += kernel[(i, i)] + kernel[(j, j)] - 2.0 * kernel[(i, j)];
        }
    }
    let pairs = (n * n.saturating_sub(1) / 2).max(1) as f64;
    let scale = if square > 1e-300 { pairs / square } else { 1.0 };
    (kernel * scale, scale)
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
    fn the_fit_is_where_the_gradient_vanishes() {
        let means: Vec<Vec<f64>> = (0..6)
            .map(|i| {
                let x = f64::from(i);
                vec![x.sin(), x.cos(), 0.1 * x]
            })
            .collect();
        let (kernel, _) = scaled_kernel(&means);
        let orders = [
            order(&[(0, 0), (1, 1), (2, 1), (3, 2)]),
            order(&[(4, 0), (5, 1)]),
            order(&[(2, 0), (0, 0), (5, 1)]),
        ];
        let learner = KernelBradleyTerry::default();
        let (at, losses) = learner.fit(&kernel, &orders, &mut |_| true).unwrap();
        assert!(
            losses.len() < 15 && losses.windows(2).all(|w| w[1] <= w[0]),
            "{losses:?}"
        );
        let scores = &kernel * &at;
        let curvature = Listwise::new(learner.tie_width).curvature(&orders, scores.as_slice());
        let gradient = &kernel * (curvature.gradient + &at * learner.prior);
        assert!(gradient.norm() < 1e-5, "{gradient}");
    }

    #[test]
    fn two_clips_have_the_scores_that_can_be_worked_out() {
        // One comparison, kernel of distance 1: f = w.x with |x1 - x2| = 1 and d = f1 - f2 solves prior d = sigmoid(-d).
        let learner = KernelBradleyTerry {
            prior: 0.1,
            tie_width: 0.0,
        };
        let (kernel, scale) = scaled_kernel(&[vec![1.0, 0.0], vec![0.0, 1.0]]);
        assert!((scale - 0.5).abs() < 1e-12);
        let one = [order(&[(0, 0), (1, 1)])];
        let (at, _) = learner.fit(&kernel, &one, &mut |_| true).unwrap();
        let scores = &kernel * at;
        let d = scores[0] - scores[1];
        assert!((0.1 * d - 1.0 / (1.0 + d.exp())).abs() < 1e-5, "{d}");
    }
}
