//! The mean of two rewards that go about it differently.

use super::kernel_bradley_terry::{KernelBradleyTerry, ORDERS};
use super::transport_contrast::TransportContrast;
use crate::judged_clips::JudgedClips;
use crate::reward_learner::{LearningReport, RewardLearner, TrainedModel, Watch};
use crate::reward_model::RewardModel;
use crate::{RewardError, Score};
use apprentice_core::Seed;
use apprentice_encoder::FeatureClip;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The mean of the kernel's reward and the transport's, each in standard deviations over the judged clips.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Average {
    /// The one.
    pub kernel: KernelBradleyTerry,
    /// The other.
    pub transport: TransportContrast,
}

impl RewardLearner for Average {
    fn uses(&self) -> &'static [&'static str] {
        ORDERS
    }

    fn validate(&self) -> Result<(), RewardError> {
        self.kernel.validate()?;
        self.transport.validate()
    }

    fn learn(
        &self,
        judged: &JudgedClips<'_>,
        seed: Seed,
        device: &Device,
        watch: &mut Watch<'_>,
    ) -> Result<TrainedModel, RewardError> {
        let kernel = self
            .kernel
            .learn(judged, seed, device, &mut |done| watch(0.5 * done))?;
        let mut second = |done: f64| watch(0.5 + 0.5 * done);
        let transport = self.transport.learn(judged, seed, device, &mut second)?;
        let report = LearningReport {
            preferred: transport.report.preferred,
            ..kernel.report
        };
        let orders = judged.orders()?;
        let mut clips: Vec<usize> = orders
            .iter()
            .flat_map(|o| o.places.iter().map(|p| p.0))
            .collect();
        clips.sort_unstable();
        clips.dedup();
        let clips: Vec<FeatureClip> = clips.into_iter().map(|c| judged.clips[c].clone()).collect();
        let scaled = |model: Box<dyn RewardModel>| -> Result<Part, RewardError> {
            let totals: Vec<f64> = model.score_all(&clips)?.iter().map(|s| s.total).collect();
            let mean = totals.iter().sum::<f64>() / totals.len() as f64;
            let square: f64 = totals.iter().map(|t| (t - mean).powi(2)).sum();
            let spread = (square / totals.len() as f64).sqrt();
            // One that tells nothing apart counts for nothing.
            let scale = if spread > 1e-12 { 0.5 / spread } else { 0.0 };
            Ok(Part { model, scale })
        };
        let model = AverageModel {
            parts: [scaled(kernel.model)?, scaled(transport.model)?],
        };
        Ok(TrainedModel {
            model: Box::new(model),
            report,
        })
    }

    fn load(&self, stored: Value) -> Result<Box<dyn RewardModel>, RewardError> {
        let part = |name: &str, learner: &dyn RewardLearner| {
            let missing = || RewardError::Stored(format!("it has no part {name}"));
            let part = stored.get(name).ok_or_else(missing)?;
            let scale = part
                .get("scale")
                .and_then(Value::as_f64)
                .ok_or_else(missing)?;
            let model = learner.load(part.get("model").cloned().unwrap_or_default())?;
            Ok::<_, RewardError>(Part { model, scale })
        };
        Ok(Box::new(AverageModel {
            parts: [
                part("kernel", &self.kernel)?,
                part("transport", &self.transport)?,
            ],
        }))
    }
}

#[derive(Debug)]
struct Part {
    model: Box<dyn RewardModel>,
    /// What its scores are multiplied by.
    scale: f64,
}

#[derive(Debug)]
struct AverageModel {
    parts: [Part; 2],
}

impl AverageModel {
    fn merged(&self, scores: [Score; 2]) -> Score {
        let [first, second] = &scores;
        let [a, b] = [self.parts[0].scale, self.parts[1].scale];
        let frames = first.per_frame.iter().zip(&second.per_frame);
        let per_frame: Vec<f64> = frames.map(|(x, y)| a * x + b * y).collect();
        Score {
            total: per_frame.iter().sum(),
            per_frame,
            closest: None,
            uncertainty: 0.0,
        }
    }
}

impl RewardModel for AverageModel {
    fn score(&self, clip: &FeatureClip) -> Result<Score, RewardError> {
        let [first, second] = &self.parts;
        Ok(self.merged([first.model.score(clip)?, second.model.score(clip)?]))
    }

    fn score_all(&self, clips: &[FeatureClip]) -> Result<Vec<Score>, RewardError> {
        let [first, second] = &self.parts;
        let both = first
            .model
            .score_all(clips)?
            .into_iter()
            .zip(second.model.score_all(clips)?);
        Ok(both
            .map(|(first, second)| self.merged([first, second]))
            .collect())
    }

    fn save(&self) -> Result<Value, RewardError> {
        let part = |part: &Part| -> Result<Value, RewardError> {
            Ok(json!({"scale": part.scale, "model": part.model.save()?}))
        };
        let [kernel, transport] = &self.parts;
        Ok(json!({"kernel": part(kernel)?, "transport": part(transport)?}))
    }
}
