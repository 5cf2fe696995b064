//! Of the groups that say most for each second, the one that what was shown stands for least; diversity alone until
//! there is a committee (after Bıyık and Sadigh 2018, arXiv 1810.04303, where batches are the medoids of the best).

use super::diversity::Diversity;
use crate::query_strategy::{Choice, QueryInputs, QueryStrategy};
use crate::worth::information;
use serde::{Deserialize, Serialize};

/// Settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mix {
    /// Groups that are drawn at random.
    pub groups: usize,
    /// How many of them, the best by information a second, diversity may choose from.
    pub best: usize,
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            groups: 300,
            best: 15,
        }
    }
}

impl QueryStrategy for Mix {
    fn choose(&self, inputs: &QueryInputs<'_>) -> Option<Choice> {
        let (Some(committee), Some(distances)) = (inputs.committee, inputs.distances) else {
            return Diversity::default().choose(inputs);
        };
        let pool = inputs.pool;
        let mut rng = inputs.seed.derive("mix", 0).rng();
        let mut groups: Vec<(f64, Vec<usize>)> = pool
            .draw_new(self.groups, &mut rng)
            .into_iter()
            .map(|group| {
                let worth = information(committee, &group);
                (worth.bits / inputs.time.seconds(worth.answer_bits), group)
            })
            .collect();
        groups.sort_by(|a, b| b.0.total_cmp(&a.0));
        groups.truncate(self.best.max(1));
        let all: Vec<usize> = pool.parts.iter().flat_map(|p| p.episodes.clone()).collect();
        let least = all.iter().map(|&e| pool.times_shown(e)).min().unwrap_or(0);
        let shown: Vec<usize> = all
            .iter()
            .copied()
            .filter(|&e| pool.times_shown(e) > least)
            .collect();
        let loss = |group: &[usize]| distances.loss(&all, &[&shown, group].concat());
        let best = groups
            .into_iter()
            .min_by(|a, b| loss(&a.1).total_cmp(&loss(&b.1)));
        let (bits_a_second, group) = best?;
        Some(Choice {
            group,
            why: format!(
                "among the most information a second ({bits_a_second:.3} bits), most unlike what was shown"
            ),
        })
    }
}
