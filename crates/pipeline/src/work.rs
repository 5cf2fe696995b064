//! How much a stage has to do, in units whose time can be measured.

/// An amount of one kind of work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Work {
    /// Episodes of so many policy ticks in which the scripted expert acts.
    ExpertEpisodes {
        /// How many.
        episodes: u64,
        /// Policy ticks of each.
        ticks: u64,
    },
    /// Episodes of so many policy ticks in which a policy acts.
    PolicyEpisodes {
        /// How many.
        episodes: u64,
        /// Policy ticks of each.
        ticks: u64,
    },
    /// Optimiser steps of the policy's training.
    TrainingSteps(u64),
    /// Optimiser steps of the compact backbone's self-supervision.
    BackboneSteps(u64),
    /// Episodes of which the encoder computes features.
    EncodedEpisodes(u64),
    /// Optimiser steps of the encoder's alignment, over all folds.
    EncoderSteps(u64),
    /// Optimiser steps of the policy's alignment.
    AlignmentSteps(u64),
    /// Episodes written for the viewer.
    ViewerEpisodes(u64),
}

impl Work {
    /// The amount in words, such as `2600 training steps`.
    #[must_use]
    pub fn in_words(self) -> String {
        match self {
            Self::ExpertEpisodes { episodes, ticks } => {
                format!("{episodes} demonstrations of {ticks} ticks")
            }
            Self::PolicyEpisodes { episodes, ticks } => {
                format!("{episodes} episodes of {ticks} ticks")
            }
            Self::TrainingSteps(n) => format!("{n} training steps"),
            Self::BackboneSteps(n) => format!("{n} steps of the backbone"),
            Self::EncodedEpisodes(n) => format!("features of {n} episodes"),
            Self::EncoderSteps(n) => format!("{n} steps of the encoder"),
            Self::AlignmentSteps(n) => format!("{n} alignment steps"),
            Self::ViewerEpisodes(n) => format!("{n} episodes for the viewer"),
        }
    }
}
