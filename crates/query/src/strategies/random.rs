//! Any group that was not asked about, all alike.

use crate::query_strategy::{Choice, QueryInputs, QueryStrategy};
use serde::{Deserialize, Serialize};

/// It has no settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Random {}

impl QueryStrategy for Random {
    fn choose(&self, inputs: &QueryInputs<'_>) -> Option<Choice> {
        let mut rng = inputs.seed.derive("random", 0).rng();
        // Episodes that were shown least come first: a group each before any has a second.
        let most = |group: &Vec<usize>| -> usize {
            group.iter().map(|&e| inputs.pool.times_shown(e)).sum()
        };
        let groups = inputs.pool.draw_new(GROUPS, &mut rng);
        Some(Choice {
            group: groups.into_iter().min_by_key(most)?,
            why: "at random, of those shown least".into(),
        })
    }
}

/// Groups that are drawn.
const GROUPS: usize = 100;
