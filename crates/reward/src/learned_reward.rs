//! A learnt reward: its model, a committee of models, and what is known of it.

use crate::{Evidence, Learner, LearningReport, RewardError, RewardLearner, RewardModel, Score};
use apprentice_encoder::FeatureClip;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A reward and what is known of it.
#[derive(Debug)]
pub struct LearnedReward {
    /// Name of the learner that it is of.
    pub learner: String,
    /// Learnt from all judgements.
    pub model: Box<dyn RewardModel>,
    /// Models learnt without a part of the judgements each; how much they differ tells how much the answer depends on
    /// which judgements were seen.
    pub committee: Vec<Box<dyn RewardModel>>,
    /// What the judgements kept back say of it.
    pub evidence: Evidence,
    /// How the learning went.
    pub report: LearningReport,
}

impl LearnedReward {
    /// Scores clips; the uncertainty is the model's own and the standard deviation of the committee's totals.
    ///
    /// # Errors
    /// When a clip is empty or of another width than those that were learnt from.
    pub fn score_all(&self, clips: &[FeatureClip]) -> Result<Vec<Score>, RewardError> {
        let mut scores = self.model.score_all(clips)?;
        let committee: Result<Vec<Vec<Score>>, _> =
            self.committee.iter().map(|m| m.score_all(clips)).collect();
        let committee = committee?;
        if committee.is_empty() {
            return Ok(scores);
        }
        let count = committee.len() as f64;
        for (clip, score) in scores.iter_mut().enumerate() {
            let totals = || {
                committee
                    .iter()
                    .filter_map(|m| m.get(clip))
                    .map(|s| s.total)
            };
            let mean = totals().sum::<f64>() / count;
            let square: f64 = totals().map(|t| (t - mean) * (t - mean)).sum();
            let own = score.uncertainty * score.uncertainty;
            score.uncertainty = (own + square / count).sqrt();
        }
        Ok(scores)
    }

    /// It as a file keeps it.
    ///
    /// # Errors
    /// When a model cannot be saved.
    pub fn store(&self) -> Result<StoredReward, RewardError> {
        let committee: Result<Vec<Value>, _> = self.committee.iter().map(|m| m.save()).collect();
        Ok(StoredReward {
            learner: Some(self.learner.clone()),
            model: self.model.save()?,
            committee: committee?,
            evidence: self.evidence,
            report: self.report.clone(),
        })
    }
}

/// The learner of files of before there were several.
const OF_BEFORE: &str = "optimal_transport";

/// A [`LearnedReward`] as a file keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredReward {
    /// Name of the learner; files of before there were several have none, and their model holds the committee.
    #[serde(default)]
    learner: Option<String>,
    model: Value,
    #[serde(default)]
    committee: Vec<Value>,
    /// What the judgements kept back say of it.
    pub evidence: Evidence,
    /// How the learning went.
    #[serde(flatten)]
    pub report: LearningReport,
}

impl StoredReward {
    /// The reward, its models ready.
    ///
    /// # Errors
    /// When its learner is not known, or a model cannot be read.
    pub fn load(mut self) -> Result<LearnedReward, RewardError> {
        let name = self.learner.take().unwrap_or_else(|| {
            if let Some(Value::Array(within)) = self
                .model
                .as_object_mut()
                .and_then(|m| m.remove("committee"))
            {
                self.committee = within;
            }
            OF_BEFORE.to_owned()
        });
        let learner = Learner::named(&name).ok_or_else(|| {
            let known = Learner::NAMES.join(", ");
            RewardError::Stored(format!("its learner is {name}, known are {known}"))
        })?;
        let learner: &dyn RewardLearner = &*learner;
        let committee: Result<Vec<_>, _> = self
            .committee
            .into_iter()
            .map(|m| learner.load(m))
            .collect();
        Ok(LearnedReward {
            learner: name,
            model: learner.load(self.model)?,
            committee: committee?,
            evidence: self.evidence,
            report: self.report,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn model(preferred: [f32; 2]) -> Value {
        json!({
            "head": {
                "input": 2, "output": 2, "mean": [0.0, 0.0], "inverse_spread": [1.0, 1.0],
                "weight": [1.0, 0.0, 0.0, 1.0], "bias": [0.0, 0.0],
            },
            "preferred": [preferred],
            "metric": "cosine",
            "transport": {"epsilon": 0.1, "iterations": 100, "tolerance": 1e-4, "form": "auto"},
            "committee": [],
        })
    }

    /// As files were before there were several learners.
    fn of_before(committee: &[[f32; 2]]) -> StoredReward {
        let mut all = model([1.0, 0.0]);
        all["committee"] = committee.iter().map(|&p| model(p)).collect();
        serde_json::from_value(json!({
            "model": all,
            "evidence": {"accuracy": 0.75, "pairs": 4, "p_value": 0.05},
            "preferred": [3],
            "comparisons": 9,
            "training_loss": [0.7],
            "validation_loss": [0.6],
        }))
        .unwrap()
    }

    #[test]
    fn a_file_of_before_is_read_and_written_anew() {
        let reward = of_before(&[[1.0, 0.0], [0.0, 1.0]]).load().unwrap();
        assert_eq!((reward.committee.len(), reward.report.comparisons), (2, 9));
        let text = serde_json::to_string(&reward.store().unwrap()).unwrap();
        let again: StoredReward = serde_json::from_str(&text).unwrap();
        let again = again.load().unwrap();
        let clip = [FeatureClip::vision(2, vec![0.6, 0.8])];
        assert_eq!(
            again.score_all(&clip).unwrap(),
            reward.score_all(&clip).unwrap()
        );
        assert_eq!(again.report, reward.report);
    }

    #[test]
    fn a_committee_that_disagrees_is_uncertainty() {
        let clip = [FeatureClip::vision(2, vec![1.0, 0.0])];
        let score = |committee: &[[f32; 2]]| {
            let reward = of_before(committee).load().unwrap();
            reward.score_all(&clip).unwrap().remove(0)
        };
        assert_eq!(score(&[[1.0, 0.0], [1.0, 0.0]]).uncertainty, 0.0);
        // Totals 0 and -1: each half away from their mean.
        let apart = score(&[[1.0, 0.0], [0.0, 1.0]]).uncertainty;
        assert!((apart - 0.5).abs() < 1e-9, "{apart}");
    }

    #[test]
    fn a_learner_that_is_not_known_is_named() {
        let mut stored = of_before(&[]);
        stored.learner = Some("crystal_ball".into());
        let error = stored.load().unwrap_err().to_string();
        assert!(
            error.contains("crystal_ball, known are optimal_transport"),
            "{error}"
        );
    }
}
