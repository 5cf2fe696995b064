//! The group that the committee finds hardest to order: the smallest spread of its mean utility.

use super::random::Random;
use crate::query_strategy::{Choice, QueryInputs, QueryStrategy};
use serde::{Deserialize, Serialize};

/// Settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NearTies {
    /// Groups that are drawn at random to begin with.
    pub groups: usize,
}

impl Default for NearTies {
    fn default() -> Self {
        Self { groups: 100 }
    }
}

impl QueryStrategy for NearTies {
    fn choose(&self, inputs: &QueryInputs<'_>) -> Option<Choice> {
        let Some(committee) = inputs.committee else {
            return Random::default().choose(inputs);
        };
        let mean = committee.mean();
        let closeness = |group: &[usize]| {
            let of = || group.iter().filter_map(|&e| mean.get(e).copied());
            of().fold(f64::INFINITY, f64::min) - of().fold(f64::NEG_INFINITY, f64::max)
        };
        let mut rng = inputs.seed.derive("near ties", 0).rng();
        Some(Choice {
            group: inputs.pool.best_by(self.groups, &mut rng, closeness)?,
            why: "hardest to tell apart".into(),
        })
    }
}
