//! A reward that is cheap to learn: logistic regression on differences of mean features.

use apprentice_core::Seed;
use apprentice_encoder::{FeatureClip, Standardisation};
use apprentice_preference::RANKING;
use apprentice_reward::reward_learner::Watch;
use apprentice_reward::{
    JudgedClips, LearningReport, RewardError, RewardLearner, RewardModel, Score, TrainedModel,
};
use burn::tensor::Device;
use serde_json::Value;

/// Steps of gradient descent, and their length.
const STEPS: usize = 120;
const LENGTH: f64 = 0.5;
/// Weight of the squared coefficients.
const RIDGE: f64 = 0.02;

#[derive(Debug, Default)]
pub struct Linear {}

#[derive(Debug)]
struct Model {
    standardisation: Standardisation,
    weight: Vec<f64>,
}

/// Mean of a clip's standardised features.
fn mean(clip: &FeatureClip, standardisation: &Standardisation) -> Vec<f64> {
    let rows = standardisation.apply(clip);
    let frames = clip.frames().max(1) as f64;
    let column = |k: usize| rows.iter().skip(k).step_by(clip.width);
    (0..clip.width)
        .map(|k| column(k).map(|&v| f64::from(v)).sum::<f64>() / frames)
        .collect()
}

impl RewardModel for Model {
    fn score(&self, clip: &FeatureClip) -> Result<Score, RewardError> {
        let mean = mean(clip, &self.standardisation);
        let total = mean.iter().zip(&self.weight).map(|(m, w)| m * w).sum();
        Ok(Score {
            total,
            per_frame: vec![total],
            closest: None,
            uncertainty: 0.0,
        })
    }

    fn save(&self) -> Result<Value, RewardError> {
        Err(RewardError::NoData(
            "this model is of a comparison and not kept".into(),
        ))
    }
}

impl RewardLearner for Linear {
    fn uses(&self) -> &'static [&'static str] {
        &[RANKING]
    }

    fn validate(&self) -> Result<(), RewardError> {
        Ok(())
    }

    fn learn(
        &self,
        judged: &JudgedClips<'_>,
        _: Seed,
        _: &Device,
        _: &mut Watch<'_>,
    ) -> Result<TrainedModel, RewardError> {
        let standardisation = Standardisation::fit(judged.clips, true);
        let means: Vec<Vec<f64>> = judged
            .clips
            .iter()
            .map(|c| mean(c, &standardisation))
            .collect();
        let mut apart: Vec<Vec<f64>> = Vec::new();
        for order in judged.orders()? {
            for &(better, place) in &order.places {
                for &(worse, _) in order.places.iter().filter(|(_, other)| *other > place) {
                    apart.push(
                        means[better]
                            .iter()
                            .zip(&means[worse])
                            .map(|(b, w)| b - w)
                            .collect(),
                    );
                }
            }
        }
        if apart.is_empty() {
            return Err(RewardError::NothingPreferred(judged.judgements.len()));
        }
        let mut weight = vec![0.0; standardisation.width()];
        let pairs = apart.len() as f64;
        for _ in 0..STEPS {
            let mut slope: Vec<f64> = weight.iter().map(|w| RIDGE * w).collect();
            for apart in &apart {
                let logit: f64 = apart.iter().zip(&weight).map(|(a, w)| a * w).sum();
                let pull = 1.0 / (1.0 + logit.exp()) / pairs;
                slope
                    .iter_mut()
                    .zip(apart)
                    .for_each(|(s, a)| *s -= pull * a);
            }
            weight
                .iter_mut()
                .zip(&slope)
                .for_each(|(w, s)| *w -= LENGTH * s);
        }
        Ok(TrainedModel {
            model: Box::new(Model {
                standardisation,
                weight,
            }),
            report: LearningReport::default(),
        })
    }

    fn load(&self, _: Value) -> Result<Box<dyn RewardModel>, RewardError> {
        Err(RewardError::NoData(
            "this model is of a comparison and not kept".into(),
        ))
    }
}
