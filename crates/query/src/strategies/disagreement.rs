//! The group on which the committee's members differ most.

use super::random::Random;
use crate::query_strategy::{Choice, QueryInputs, QueryStrategy};
use crate::worth::disagreement;
use serde::{Deserialize, Serialize};

/// Settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Disagreement {
    /// Groups that are drawn at random to begin with.
    pub groups: usize,
}

impl Default for Disagreement {
    fn default() -> Self {
        Self { groups: 200 }
    }
}

impl QueryStrategy for Disagreement {
    fn choose(&self, inputs: &QueryInputs<'_>) -> Option<Choice> {
        let Some(committee) = inputs.committee else {
            return Random::default().choose(inputs);
        };
        let mut rng = inputs.seed.derive("disagreement", 0).rng();
        let score = |group: &[usize]| disagreement(committee, group);
        let group = inputs.pool.best_by(self.groups, &mut rng, score)?;
        let spread = score(&group).sqrt();
        Some(Choice {
            group,
            why: format!("largest disagreement: what is said of a pair varies by {spread:.2}"),
        })
    }
}
