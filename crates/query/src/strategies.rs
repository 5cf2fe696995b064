//! The ways to choose a question, a line each.

use crate::query_strategy::QueryStrategy;

apprentice_core::registry! {
    /// How the next question is chosen.
    pub enum Strategy: QueryStrategy {
        random::Random = "random",
        disagreement::Disagreement = "disagreement",
        information::Information = "information",
        diversity::Diversity = "diversity",
        mix::Mix = "mix",
    }
}

impl Default for Strategy {
    fn default() -> Self {
        Self::Random(Default::default())
    }
}
