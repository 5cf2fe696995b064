//! The ways to learn a reward, a line each.

use crate::reward_learner::RewardLearner;

apprentice_core::registry! {
    /// How the reward is learnt.
    pub enum Learner: RewardLearner {
        optimal_transport::OptimalTransport = "optimal_transport",
    }
}

impl Default for Learner {
    fn default() -> Self {
        Self::OptimalTransport(Default::default())
    }
}
