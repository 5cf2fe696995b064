//! The ways to learn a reward, a line each.

mod unit_frames;

use crate::reward_learner::RewardLearner;

apprentice_core::registry! {
    /// How the reward is learnt.
    pub enum Learner: RewardLearner {
        optimal_transport::OptimalTransport = "optimal_transport",
        kernel_bradley_terry::KernelBradleyTerry = "kernel_bradley_terry",
        transport_contrast::TransportContrast = "transport_contrast",
        average::Average = "average",
        best_channel::BestChannel = "best_channel",
    }
}

impl Default for Learner {
    fn default() -> Self {
        Self::KernelBradleyTerry(Default::default())
    }
}
