//! Settings of the reward.

use crate::{Learner, RewardError};
use serde::{Deserialize, Serialize};

/// How a reward is learnt and when it is believed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RewardConfig {
    /// Parts the judgements are divided into; each is scored by a model that has not seen it.
    pub folds: usize,
    /// Shuffles of the permutation test.
    pub permutations: usize,
    /// Largest chance of a fluke at which the judgements count as evidence.
    pub significance: f64,
    /// What a judgement counts for each round of rollouts that came after those it is about, 0 to 1: 1 for as much as a
    /// new one.
    pub round_weight: f64,
    /// Whether other ways to learn a reward are judged beside it on the judgements kept back.
    pub panel: bool,
    /// How the reward is learnt.
    pub learner: Learner,
}

impl Default for RewardConfig {
    fn default() -> Self {
        Self {
            folds: 4,
            permutations: 1999,
            significance: 0.01,
            round_weight: 1.0,
            panel: true,
            learner: Learner::default(),
        }
    }
}

impl RewardConfig {
    /// Whether a reward can be learnt with these settings.
    ///
    /// # Errors
    /// Names the first key that cannot be, its value and what is allowed.
    pub fn validate(&self) -> Result<(), RewardError> {
        let refuse =
            |key, got: String, allowed: String| Err(RewardError::Config { key, got, allowed });
        for (key, value, least) in [
            ("reward.folds", self.folds, 2),
            ("reward.permutations", self.permutations, 1),
        ] {
            if value < least {
                return refuse(key, value.to_string(), format!("{least} or more"));
            }
        }
        if !(0.0..=1.0).contains(&self.significance) {
            let got = self.significance.to_string();
            return refuse("reward.significance", got, "0 to 1".into());
        }
        if !(0.0..=1.0).contains(&self.round_weight) {
            let got = self.round_weight.to_string();
            return refuse("reward.round_weight", got, "0 to 1".into());
        }
        // Even if no shuffle does as well, the chance is one in (shuffles + 1).
        let least = 1.0 / (self.permutations as f64 + 1.0);
        if self.significance > 0.0 && self.significance < least {
            return refuse(
                "reward.significance",
                self.significance.to_string(),
                format!(
                    "{least:.4} or more with {} permutations, or 0 for never",
                    self.permutations
                ),
            );
        }
        self.learner.validate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learners::optimal_transport::OptimalTransport;

    #[test]
    fn settings_that_cannot_work_are_named() {
        type Change = fn(&mut RewardConfig);
        let changes: [(Change, &str); 3] = [
            (|c| c.folds = 1, "reward.folds is 1, allowed: 2 or more"),
            (
                |c| c.significance = f64::NAN,
                "reward.significance is NaN, allowed: 0 to 1",
            ),
            (
                |c| c.permutations = 19,
                "reward.significance is 0.01, allowed: 0.0500 or more",
            ),
        ];
        assert!(RewardConfig::default().validate().is_ok());
        for (change, wanted) in changes {
            let mut config = RewardConfig::default();
            change(&mut config);
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }

    #[test]
    fn a_learner_stands_beside_its_kind() {
        let text = r#"{"folds": 3, "learner": {"kind": "optimal_transport", "preferred": 2}}"#;
        let config: RewardConfig = serde_json::from_str(text).unwrap();
        let wanted = Learner::OptimalTransport(OptimalTransport {
            preferred: 2,
            ..OptimalTransport::default()
        });
        assert_eq!((config.folds, config.learner), (3, wanted));
        let text = text.replace("preferred", "prefered");
        let refused = serde_json::from_str::<RewardConfig>(&text).unwrap_err();
        assert!(refused.to_string().contains("`prefered`"), "{refused}");
    }
}
