//! How an episode ended.

use crate::facts::{Fact, Facts};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap};

/// How an episode stands. No policy or reward reads it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Outcome {
    /// Whether the task is done; `None` where nobody knows.
    pub success: Option<bool>,
    /// What was measured.
    pub facts: Facts,
}

/// As it is on disk. Facts stood beside `success` once, and a name that was missing was null.
#[derive(Deserialize)]
struct Stored {
    success: Option<bool>,
    #[serde(default)]
    facts: Facts,
    #[serde(flatten)]
    beside: BTreeMap<String, Option<Fact>>,
}

impl From<Stored> for Outcome {
    fn from(stored: Stored) -> Self {
        let mut facts = stored.facts;
        for (name, fact) in stored.beside {
            facts.put(Cow::Owned(name), fact.unwrap_or(Fact::name(NOTHING)));
        }
        Self {
            success: stored.success,
            facts,
        }
    }
}

/// The name in a fact that names something where there is nothing.
pub const NOTHING: &str = "none";
