//! The group whose order says most of which member of the committee is right, for each second that it takes.

use super::random::Random;
use crate::query_strategy::{Choice, QueryInputs, QueryStrategy};
use crate::worth::information;
use serde::{Deserialize, Serialize};

/// Settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Information {
    /// Groups that are drawn at random to begin with.
    pub groups: usize,
}

impl Default for Information {
    fn default() -> Self {
        Self { groups: 200 }
    }
}

impl QueryStrategy for Information {
    fn choose(&self, inputs: &QueryInputs<'_>) -> Option<Choice> {
        let Some(committee) = inputs.committee else {
            return Random::default().choose(inputs);
        };
        let mut rng = inputs.seed.derive("information", 0).rng();
        let score = |group: &[usize]| {
            let worth = information(committee, group);
            worth.bits / inputs.time.seconds(worth.answer_bits)
        };
        let group = inputs.pool.best_by(self.groups, &mut rng, score)?;
        let worth = information(committee, &group);
        Some(Choice {
            group,
            why: format!(
                "most information a second: {:.2} bits in {:.0} s",
                worth.bits,
                inputs.time.seconds(worth.answer_bits)
            ),
        })
    }
}
