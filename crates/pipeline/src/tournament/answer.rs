//! What an operator said of two episodes, as it is kept.

use crate::checked_log::LogEntry;
use anyhow::{Result, bail};
use apprentice_episode::EpisodeId;
use serde::{Deserialize, Serialize};

/// Which of the two is liked better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The one shown as 1.
    First,
    /// The one shown as 2.
    Second,
    /// Both as much.
    Equal,
    /// The operator cannot tell. Counts for nothing.
    CannotTell,
}

/// An episode that was shown, and what it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The episode.
    pub episode: EpisodeId,
    /// SHA-256 of the policy it was recorded with.
    pub policy: String,
    /// Number of the version with that content.
    pub version: u32,
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Said {
    /// An answer to a question.
    Answer {
        /// The question's id.
        question: String,
        /// The episodes in the order they were shown in.
        shown: [Shown; 2],
        /// The answer.
        verdict: Verdict,
        /// Whether both were recorded from the same start.
        same_start: bool,
        /// Why these two versions were compared.
        reason: String,
        /// From showing to answer, milliseconds, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        response_time_ms: Option<u64>,
    },
    /// The answer of this entry does not count any more.
    TakenBack {
        /// The entry's number.
        entry: u64,
    },
}

/// A line of an operator's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchEntry {
    /// Counts up from 0 by one an entry of the operator.
    pub number: u64,
    /// Who said it.
    pub who: String,
    /// When, milliseconds since 1970.
    pub at_unix_ms: u64,
    /// What.
    pub said: Said,
}

impl LogEntry for MatchEntry {
    const NAME: &'static str = "answer";
    const PLURAL: &'static str = "answers";

    fn number(&self) -> u64 {
        self.number
    }

    fn set_number(&mut self, number: u64) {
        self.number = number;
    }

    fn check(&self) -> Result<()> {
        check_name(&self.who)?;
        match &self.said {
            Said::Answer { shown: [a, b], .. } if a.policy == b.policy => {
                bail!(
                    "both episodes are of policy {}, allowed: two policies",
                    a.policy
                )
            }
            Said::TakenBack { entry } if *entry >= self.number => bail!(
                "entry {} takes entry {entry} back, allowed: one before it",
                self.number
            ),
            Said::Answer { .. } | Said::TakenBack { .. } => Ok(()),
        }
    }
}

/// Whether somebody may be called so.
///
/// # Errors
/// When it is empty, too long, or holds what cannot be printed.
pub fn check_name(who: &str) -> Result<()> {
    let printable = who.chars().all(|c| !c.is_control());
    if who.trim().is_empty() || who.trim() != who || who.chars().count() > 60 || !printable {
        bail!(
            "the operator's name is {who:?}, allowed: 1 to 60 characters that can be printed, without spaces around them"
        );
    }
    Ok(())
}

/// The answers that stand: those that were not taken back.
pub(super) fn standing(entries: &[MatchEntry]) -> impl Iterator<Item = &MatchEntry> {
    let taken_back = |number: u64| {
        entries
            .iter()
            .any(|e| matches!(e.said, Said::TakenBack { entry } if entry == number))
    };
    entries
        .iter()
        .filter(move |e| matches!(e.said, Said::Answer { .. }) && !taken_back(e.number))
}
