//! The group that, with what was shown, stands best for all episodes.

use super::random::Random;
use crate::k_medoids::k_medoids;
use crate::query_strategy::{Choice, QueryInputs, QueryStrategy};
use rand::seq::IndexedRandom as _;
use serde::{Deserialize, Serialize};

/// It has no settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Diversity {}

impl QueryStrategy for Diversity {
    fn choose(&self, inputs: &QueryInputs<'_>) -> Option<Choice> {
        let pool = inputs.pool;
        let Some(distances) = inputs.distances.filter(|_| pool.is_enough()) else {
            return Random::default().choose(inputs);
        };
        let mut group = Vec::new();
        for part in &pool.parts {
            // Once all were shown as often, what was shown so often does not count any more.
            let times: Vec<usize> = part.episodes.iter().map(|&e| pool.times_shown(e)).collect();
            let least = times.iter().min().copied().unwrap_or(0);
            let of = |shown: bool| -> Vec<usize> {
                let each = part.episodes.iter().zip(&times);
                let those = each.filter(|(_, t)| (**t > least) == shown);
                those.map(|(e, _)| *e).collect()
            };
            let (fixed, mut free) = (of(true), of(false));
            if free.len() < part.count {
                free.clone_from(&part.episodes);
            }
            group.extend(k_medoids(distances, &fixed, &free, part.count));
        }
        if pool.was_shown(&group) {
            // The same ones come out best again: one of them makes room.
            let mut rng = inputs.seed.derive("diversity", 0).rng();
            let others = pool.draw_new(20, &mut rng);
            let shared = |other: &&Vec<usize>| other.iter().filter(|e| group.contains(e)).count();
            let most = others.iter().map(|o| shared(&o)).max()?;
            let alike: Vec<&Vec<usize>> = others.iter().filter(|o| shared(o) == most).collect();
            group = (*alike.choose(&mut rng)?).clone();
        }
        Some(Choice {
            group,
            why: "what was shown does not stand for these yet".into(),
        })
    }
}
