//! What chooses the next question.

use crate::{AnswerTime, Committee, Distances, Pool};
use apprentice_core::Seed;
use std::fmt::Debug;

/// What a strategy may go by.
#[derive(Clone, Copy, Debug)]
pub struct QueryInputs<'a> {
    /// What can be asked about.
    pub pool: &'a Pool,
    /// How far apart the episodes are; `None` where that is not known yet.
    pub distances: Option<&'a Distances>,
    /// What was learnt from the answers so far, which may lag behind the last ones; `None` where nothing was yet.
    pub committee: Option<&'a Committee>,
    /// How long answers take.
    pub time: AnswerTime,
    /// Seed of whatever is random, another for each question.
    pub seed: Seed,
}

/// A question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Indices of the episodes to be put in order.
    pub group: Vec<usize>,
    /// Why these, in a few words.
    pub why: String,
}

/// Chooses questions. Its settings say how.
pub trait QueryStrategy: Debug + Send + Sync {
    /// The next question; `None` where there is none that was not asked. The same inputs have the same question. It is
    /// quick (a fraction of a second for some hundred episodes): somebody waits for it. What it would go by and is not
    /// known yet, it does without.
    fn choose(&self, inputs: &QueryInputs<'_>) -> Option<Choice>;
}
