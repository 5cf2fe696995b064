//! A Bradley-Terry reward that is linear in the features: each pair of a ranking is a logistic regression on the
//! difference of the two clips' mean features.

use crate::judged_clips::JudgedClips;
use crate::reward_learner::{LearningReport, RewardLearner, TrainedModel, Watch};
use crate::reward_model::{RewardModel, check_width, from_json, to_json};
use crate::{RewardError, Score};
use apprentice_core::Seed;
use apprentice_encoder::{FeatureClip, Standardisation};
use apprentice_preference::RANKING;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BradleyTerry {
    /// Steps of gradient descent over all pairs.
    pub steps: usize,
    /// Their length.
    pub learning_rate: f64,
}

impl Default for BradleyTerry {
    fn default() -> Self {
        Self {
            steps: 300,
            learning_rate: 0.3,
        }
    }
}

/// The reward of a frame is the product of its standardised features and `weight`, over the number of frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LinearModel {
    standardisation: Standardisation,
    weight: Vec<f64>,
}

impl RewardModel for LinearModel {
    fn score(&self, clip: &FeatureClip) -> Result<Score, RewardError> {
        check_width(clip, self.weight.len())?;
        let frames = clip.frames() as f64;
        let products = |row: &[f32]| -> f64 {
            let products = row.iter().zip(&self.weight);
            products.map(|(&x, w)| f64::from(x) * w / frames).sum()
        };
        let rows = self.standardisation.apply(clip);
        let per_frame: Vec<f64> = rows.chunks_exact(clip.width).map(products).collect();
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

impl RewardLearner for BradleyTerry {
    fn uses(&self) -> &'static [&'static str] {
        &[RANKING]
    }

    fn validate(&self) -> Result<(), RewardError> {
        if self.learning_rate > 0.0 && self.learning_rate.is_finite() {
            return Ok(());
        }
        Err(RewardError::Config {
            key: "reward.learner.learning_rate",
            got: self.learning_rate.to_string(),
            allowed: "more than 0".into(),
        })
    }

    fn learn(
        &self,
        judged: &JudgedClips<'_>,
        _: Seed,
        _: &Device,
        watch: &mut Watch<'_>,
    ) -> Result<TrainedModel, RewardError> {
        let rankings = judged.rankings()?;
        let standardisation = Standardisation::fit(judged.clips, true);
        let width = standardisation.width();
        let mut model = LinearModel {
            standardisation,
            weight: vec![0.0; width],
        };
        let mean = |clip: usize| -> Vec<f64> {
            let clip = &judged.clips[clip];
            let (rows, frames) = (model.standardisation.apply(clip), clip.frames());
            let column = |k| rows.iter().skip(k).step_by(width).map(|&v| f64::from(v));
            let sum = |k| column(k).sum::<f64>();
            (0..width).map(|k| sum(k) / frames.max(1) as f64).collect()
        };
        let means: Vec<Vec<f64>> = (0..judged.clips.len()).map(mean).collect();
        let mut pairs = Vec::new();
        for ranking in &rankings {
            for &(better, place) in &ranking.places {
                let below = ranking.places.iter().filter(|(_, other)| *other > place);
                pairs.extend(below.map(|&(worse, _)| (better, worse, ranking.confidence())));
            }
        }
        if pairs.is_empty() {
            return Err(RewardError::NothingPreferred(rankings.len()));
        }
        let mut training_loss = Vec::new();
        for step in 0..self.steps {
            let mut slope: Vec<f64> = model.weight.iter().map(|w| 0.01 * w).collect();
            let mut loss = 0.0;
            for &(better, worse, sure) in &pairs {
                let apart = || means[better].iter().zip(&means[worse]).map(|(b, w)| b - w);
                let logit: f64 = apart().zip(&model.weight).map(|(d, w)| d * w).sum();
                let wrong = 1.0 / (1.0 + logit.exp());
                loss -= sure * (1.0 - wrong).max(1e-300).ln() / pairs.len() as f64;
                let pull = sure * wrong / pairs.len() as f64;
                slope
                    .iter_mut()
                    .zip(apart())
                    .for_each(|(s, d)| *s -= pull * d);
            }
            let descend = |(w, s): (&mut f64, &f64)| *w -= self.learning_rate * s;
            model.weight.iter_mut().zip(&slope).for_each(descend);
            training_loss.push(loss);
            if !watch((step + 1) as f64 / self.steps as f64) {
                return Err(RewardError::Stopped);
            }
        }
        let comparisons = pairs.len();
        let report = LearningReport {
            comparisons,
            training_loss,
            ..LearningReport::default()
        };
        Ok(TrainedModel {
            model: Box::new(model),
            report,
        })
    }

    fn load(&self, stored: Value) -> Result<Box<dyn RewardModel>, RewardError> {
        Ok(Box::new(from_json::<LinearModel>(stored)?))
    }
}
