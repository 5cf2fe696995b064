//! The best single number: a control, and the right answer where one number decides.

use super::kernel_bradley_terry::{ORDERS, comparisons};
use crate::judged_clips::{JudgedClips, Order};
use crate::reward_learner::{LearningReport, RewardLearner, TrainedModel, Watch};
use crate::reward_model::{RewardModel, check_width, from_json, to_json};
use crate::{RewardError, Score};
use apprentice_core::Seed;
use apprentice_encoder::FeatureClip;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Of every feature's lowest, mean, highest and last value, the one that orders most of what was ranked rightly, up or
/// down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BestChannel {}

/// What of a feature's course counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Of {
    Lowest,
    Mean,
    Highest,
    Last,
}

impl Of {
    const ALL: [Self; 4] = [Self::Lowest, Self::Mean, Self::Highest, Self::Last];
}

impl RewardLearner for BestChannel {
    fn uses(&self) -> &'static [&'static str] {
        ORDERS
    }

    fn validate(&self) -> Result<(), RewardError> {
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
        let judged_clips = || orders.iter().flat_map(|o| o.places.iter().map(|p| p.0));
        let width = judged_clips().next().map_or(0, |c| judged.clips[c].width);
        for clip in judged_clips() {
            check_width(&judged.clips[clip], width)?;
        }
        let mut best = ChannelModel {
            width,
            channel: 0,
            of: Of::Mean,
            sign: 1.0,
        };
        let mut most = f64::NEG_INFINITY;
        for channel in 0..width {
            if !watch(channel as f64 / width as f64) {
                return Err(RewardError::Stopped);
            }
            for of in Of::ALL {
                for sign in [1.0, -1.0] {
                    let model = ChannelModel {
                        width,
                        channel,
                        of,
                        sign,
                    };
                    let agreed = agreement(&orders, |clip| model.value(&judged.clips[clip]).0);
                    if agreed > most {
                        (best, most) = (model, agreed);
                    }
                }
            }
        }
        Ok(TrainedModel {
            model: Box::new(best),
            report: LearningReport {
                comparisons,
                ..LearningReport::default()
            },
        })
    }

    fn load(&self, stored: Value) -> Result<Box<dyn RewardModel>, RewardError> {
        Ok(Box::new(from_json::<ChannelModel>(stored)?))
    }
}

/// Pairs that the values put in the order stated, less those in the opposite one, each as sure as its order.
fn agreement(orders: &[Order], value: impl Fn(usize) -> f64) -> f64 {
    let mut agreed = 0.0;
    for order in orders {
        for &(better, place) in &order.places {
            for &(worse, _) in order.places.iter().filter(|other| other.1 > place) {
                let difference = value(better) - value(worse);
                agreed += order.confidence
                    * if difference == 0.0 {
                        0.0
                    } else {
                        difference.signum()
                    };
            }
        }
    }
    agreed
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ChannelModel {
    width: usize,
    channel: usize,
    of: Of,
    sign: f64,
}

impl ChannelModel {
    /// The value, and the frame it is of, where it is of one.
    fn value(&self, clip: &FeatureClip) -> (f64, Option<usize>) {
        let course = || {
            clip.values
                .chunks_exact(self.width)
                .map(|f| f64::from(f[self.channel]))
        };
        let numbered = || course().enumerate();
        let (value, frame) = match self.of {
            Of::Mean => (course().sum::<f64>() / clip.frames().max(1) as f64, None),
            Of::Last => (
                course().next_back().unwrap_or(0.0),
                clip.frames().checked_sub(1),
            ),
            Of::Lowest => {
                let lowest = numbered().min_by(|a, b| a.1.total_cmp(&b.1));
                lowest.map_or((0.0, None), |(at, value)| (value, Some(at)))
            }
            Of::Highest => {
                let highest = numbered().max_by(|a, b| a.1.total_cmp(&b.1));
                highest.map_or((0.0, None), |(at, value)| (value, Some(at)))
            }
        };
        (self.sign * value, frame)
    }
}

impl RewardModel for ChannelModel {
    fn score(&self, clip: &FeatureClip) -> Result<Score, RewardError> {
        check_width(clip, self.width)?;
        let (value, frame) = self.value(clip);
        let count = clip.frames();
        let per_frame: Vec<f64> = match frame {
            Some(at) => (0..count)
                .map(|i| if i == at { value } else { 0.0 })
                .collect(),
            None => (clip.values.chunks_exact(self.width))
                .map(|f| self.sign * f64::from(f[self.channel]) / count as f64)
                .collect(),
        };
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
