//! The kinds of answers a judgement can give.

use crate::Item;
use serde::{Deserialize, Serialize};

/// What was answered. In a log, `kind` says which it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// An order with ties, best first: a weak order (bucket order).
    Ranking {
        /// The tiers; items of one tier are equally good.
        tiers: Vec<Vec<Item>>,
    },
    /// A value on a scale.
    Rating {
        /// What is rated.
        item: Item,
        /// The value, from `scale.low` to `scale.high`.
        value: f64,
        /// The scale it was asked on.
        scale: Scale,
    },
    /// Yes or no; the judgement's axis says to what.
    Flag {
        /// What it is about.
        item: Item,
        /// The answer.
        yes: bool,
    },
    /// Which of two is more like a third.
    Similarity {
        /// What the two are compared with.
        anchor: Item,
        /// The one more like it.
        nearer: Item,
        /// The other.
        farther: Item,
    },
    /// What should have been instead.
    Correction {
        /// What was not as it should be.
        item: Item,
        /// What should have been.
        instead: Instead,
    },
    /// Free text, spoken or typed.
    Utterance {
        /// The words.
        text: String,
        /// What they are about; may be empty.
        items: Vec<Item>,
    },
    /// A person took the arm over from its policy.
    Takeover {
        /// The episode, and the part of it in which they had the arm.
        item: Item,
        /// Who took over.
        by: String,
    },
    /// Earlier judgements of the same person do not hold any more: see [`crate::standing`].
    Revocation {
        /// Ids of those; without any, everything the person said before of how things should be, on the axis of this
        /// judgement.
        judgements: Vec<String>,
    },
    /// Whether the task was done.
    Success {
        /// What it is about.
        item: Item,
        /// The answer.
        verdict: Verdict,
    },
}

/// The ends of a rating scale; any unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
}

/// What should have been instead of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Instead {
    /// What happened there.
    Item(Item),
    /// These actions.
    Actions(ActionSegment),
}

/// Actions of `A` numbers each, one every `step_ns`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionSegment {
    /// What the numbers mean, as episodes name it, such as `cartesian_pose_and_opening`.
    pub action_space: String,
    /// Time between actions, nanoseconds.
    pub step_ns: u64,
    /// The actions in order, `[T][A]`, in the units of the action space.
    pub actions: Vec<Vec<f32>>,
}

/// Whether a task was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was.
    Yes,
    /// It was not.
    No,
    /// It cannot be told, which never counts as done.
    Unsure,
}

impl Verdict {
    /// Of what was measured; unsure where nothing was.
    #[must_use]
    pub const fn of(measured: Option<bool>) -> Self {
        match measured {
            Some(true) => Self::Yes,
            Some(false) => Self::No,
            None => Self::Unsure,
        }
    }

    /// Whether it was done, where that can be told.
    #[must_use]
    pub const fn known(self) -> Option<bool> {
        match self {
            Self::Yes => Some(true),
            Self::No => Some(false),
            Self::Unsure => None,
        }
    }
}

impl Answer {
    /// A ranking of whole episodes, or of parts of them, best first.
    #[must_use]
    pub fn ranking<I: Into<Item>>(tiers: impl IntoIterator<Item = Vec<I>>) -> Self {
        let tiers = tiers.into_iter();
        Self::Ranking {
            tiers: tiers
                .map(|tier| tier.into_iter().map(Into::into).collect())
                .collect(),
        }
    }

    /// The name of its kind, as in a log.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ranking { .. } => "ranking",
            Self::Rating { .. } => "rating",
            Self::Flag { .. } => "flag",
            Self::Similarity { .. } => "similarity",
            Self::Correction { .. } => "correction",
            Self::Utterance { .. } => "utterance",
            Self::Takeover { .. } => "takeover",
            Self::Revocation { .. } => "revocation",
            Self::Success { .. } => "success",
        }
    }

    /// Every item it names, in order.
    #[must_use]
    pub fn items(&self) -> Vec<&Item> {
        match self {
            Self::Ranking { tiers } => tiers.iter().flatten().collect(),
            Self::Rating { item, .. }
            | Self::Flag { item, .. }
            | Self::Takeover { item, .. }
            | Self::Success { item, .. } => vec![item],
            Self::Similarity {
                anchor,
                nearer,
                farther,
            } => vec![anchor, nearer, farther],
            Self::Correction { item, instead } => match instead {
                Instead::Item(other) => vec![item, other],
                Instead::Actions(_) => vec![item],
            },
            Self::Utterance { items, .. } => items.iter().collect(),
            Self::Revocation { .. } => Vec::new(),
        }
    }
}
