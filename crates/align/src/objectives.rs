//! The objectives a policy may be aligned by, a line each.

use crate::objective::AlignmentObjective;

apprentice_core::registry! {
    /// What a policy is aligned by.
    pub enum Objective: AlignmentObjective {
        diffusion_dpo::DiffusionDpo = "diffusion_dpo",
        winner_imitation::WinnerImitation = "winner_imitation",
        filtered_imitation::FilteredImitation = "filtered_imitation",
        reward_weighted_imitation::RewardWeightedImitation = "reward_weighted_imitation",
        ranking_preference::RankingPreference = "ranking_preference",
    }
}
