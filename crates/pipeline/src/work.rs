//! How much a stage has to do, in units whose time can be measured.

/// An amount of one kind of work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Work {
    /// Episodes in which the scripted expert acts.
    ExpertEpisodes(Episodes),
    /// Episodes in which a policy acts.
    PolicyEpisodes(Episodes),
    /// Episodes that are read from their files.
    ReadEpisodes(Episodes),
    /// Episodes written for the viewer.
    ViewerEpisodes(Episodes),
    /// Episodes of which the encoder computes features.
    EncodedEpisodes(u64),
    /// Optimiser steps of the policy's training.
    TrainingSteps(u64),
    /// Optimiser steps of the compact backbone's self-supervision.
    BackboneSteps(u64),
    /// Optimiser steps of the encoder's alignment to the rankings, over all folds.
    EncoderSteps(u64),
    /// Optimiser steps of the policy's alignment.
    AlignmentSteps(u64),
    /// Rankings by the simulated operator.
    Rankings(u64),
}

/// So many episodes of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episodes {
    /// How many.
    pub count: u64,
    /// Policy ticks of each.
    pub ticks: u64,
}

impl Work {
    /// The amount in words, such as `2600 training steps`; nothing for what goes without saying.
    #[must_use]
    pub fn in_words(self) -> String {
        match self {
            Self::ExpertEpisodes(Episodes { count, ticks }) => {
                format!("{count} demonstrations of {ticks} ticks")
            }
            Self::PolicyEpisodes(Episodes { count, ticks }) => {
                format!("{count} episodes of {ticks} ticks")
            }
            Self::ReadEpisodes(_) | Self::ViewerEpisodes(_) => String::new(),
            Self::EncodedEpisodes(n) => format!("features of {n} episodes"),
            Self::TrainingSteps(n) => format!("{n} training steps"),
            Self::BackboneSteps(n) => format!("{n} steps of the backbone"),
            Self::EncoderSteps(n) => format!("{n} steps of the encoder"),
            Self::AlignmentSteps(n) => format!("{n} alignment steps"),
            Self::Rankings(n) => format!("{n} rankings of four"),
        }
    }
}
