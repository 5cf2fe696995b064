//! What a stage started from, kept in its mark: from it follows whether what it wrote is out of date.

use crate::config::Config;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a run goes by.
#[derive(Clone, Copy, Debug)]
pub struct RunSettings<'a> {
    /// Its configuration.
    pub config: &'a Config,
    /// Its seed.
    pub seed: u64,
}

/// What a stage started from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// The run's seed.
    pub seed: u64,
    /// Every setting it reads, by its whole key. As they are: most are shorter than their hash, and so they can be
    /// named when they differ.
    pub settings: BTreeMap<String, Value>,
    /// What the stages it needs wrote: for a file its SHA-256, for a folder of episodes that of their ids.
    pub files: BTreeMap<String, String>,
}

impl Inputs {
    /// What differs `now`, in words; nothing where all agrees. A setting or file that only one of both knows is of
    /// another version of this program, and makes no difference.
    #[must_use]
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.seed != now.seed {
            found.push(format!("the seed is {}, was {}", now.seed, self.seed));
        }
        for (key, was) in &self.settings {
            if let Some(is) = now.settings.get(key).filter(|is| *is != was) {
                found.push(format!("{key} is {is}, was {was}"));
            }
        }
        for (path, was) in &self.files {
            if now.files.get(path).is_some_and(|is| is != was) {
                found.push(format!("{path} has changed"));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_and_what_one_side_does_not_know_is_no_difference() {
        let was = Inputs {
            seed: 1,
            settings: [
                ("train.steps".to_owned(), 4.into()),
                ("gone".to_owned(), 1.into()),
            ]
            .into(),
            files: [("policy/base.safetensors".to_owned(), "ab".to_owned())].into(),
        };
        let mut now = was.clone();
        now.settings.remove("gone");
        now.settings.insert("train.new".into(), 2.into());
        assert_eq!(was.differences(&now), Vec::<String>::new());
        now.settings.insert("train.steps".into(), 9.into());
        now.files
            .insert("policy/base.safetensors".into(), "cd".into());
        now.seed = 2;
        assert_eq!(
            was.differences(&now),
            [
                "the seed is 2, was 1",
                "train.steps is 9, was 4",
                "policy/base.safetensors has changed"
            ]
        );
    }
}
