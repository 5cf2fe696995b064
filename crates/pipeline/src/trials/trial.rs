//! One trial.

use anyhow::{Result, bail};
use apprentice_episode::EpisodeId;
pub use apprentice_preference::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a trial was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// One half of a pair that compares base and aligned policy from the same start.
    Comparison,
    /// The policy at its work.
    Work,
}

/// Which of a run's policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyRole {
    /// The imitation of all demonstrations.
    Base,
    /// The one aligned to the reward.
    Aligned,
    /// The one that was promoted.
    Current,
    /// One in a file of its own.
    File,
}

/// The policy that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyIdentity {
    /// As what it was asked for.
    pub role: PolicyRole,
    /// SHA-256 of its file, 64 hexadecimal digits: what it is, whatever it was asked for as.
    pub sha256: String,
    /// Its number in the history of promotions, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// From where it was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Which start, counted from 0: both halves of a pair have the same.
    pub number: u64,
    /// The seed that a robot that sets up scenes was given.
    pub seed: u64,
    /// Whether a person set it up.
    #[serde(default)]
    pub by_person: bool,
}

/// Who said how it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judge {
    /// The robot itself.
    Robot,
    /// A person, by this name.
    Person(String),
    /// Nobody: a trial that was cut short by a stop, which counts as a failure, or one nobody was asked about.
    Nobody,
}

/// What came between policy and arm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guarding {
    /// Policy ticks of the trial.
    pub ticks: u64,
    /// Ticks in which the guard intervened for a reason that matters, as `promotion.interventions` was then.
    pub interventions: u64,
    /// For each reason, smoothing too, the ticks it was given in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<String, u64>,
    /// Times the arm was stopped.
    pub stops: u64,
    /// Times a person took over.
    pub takeovers: u64,
    /// Things dropped, where the robot or a person said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drops: Option<u64>,
}

/// The recording of a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpisodeFile {
    /// Its content.
    pub id: EpisodeId,
    /// Its folder below the run's.
    pub folder: String,
    /// Its name there.
    pub file: String,
}

/// A trial and how it went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Counts up from 0 by one a trial of the run.
    pub number: u64,
    /// What for.
    pub purpose: Purpose,
    /// Which comparison of two policies it belongs to; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comparison: String,
    /// What was tried.
    pub policy: PolicyIdentity,
    /// From where.
    pub start: Start,
    /// 0 for the first of a pair, 1 for the second; `None` outside pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<u8>,
    /// Whether the task was done.
    pub success: Verdict,
    /// Whether it was done the preferred way; `None` where nobody was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred: Option<Verdict>,
    /// Who said so.
    pub judge: Judge,
    /// What else the robot measured, numbers and names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, serde_json::Value>,
    /// What came between policy and arm.
    pub guarding: Guarding,
    /// What the learnt reward gives it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward: Option<f64>,
    /// Its recording; `None` where a stop cut it short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<EpisodeFile>,
    /// When it ended, milliseconds since 1970.
    pub at_unix_ms: u64,
}

impl Trial {
    /// Whether it contradicts itself.
    ///
    /// # Errors
    /// What it says, and what is allowed.
    pub fn check(&self) -> Result<()> {
        let digits = self.policy.sha256.bytes().all(|b| b.is_ascii_hexdigit());
        if self.policy.sha256.len() != 64 || !digits {
            bail!(
                "policy.sha256 is {:?}, allowed: 64 hexadecimal digits",
                self.policy.sha256
            );
        }
        if (self.purpose == Purpose::Comparison) == self.comparison.is_empty() {
            bail!(
                "purpose and comparison {:?} contradict each other: a comparison has a name, work has none",
                self.comparison
            );
        }
        match (self.purpose, self.place) {
            (Purpose::Comparison, Some(0 | 1)) | (Purpose::Work, None) => {}
            (_, place) => {
                bail!("place is {place:?}, allowed: 0 or 1 in a comparison, none otherwise")
            }
        }
        if self.preferred == Some(Verdict::Yes) && self.success == Verdict::No {
            bail!("it was done the preferred way (yes), but not done (success: no)");
        }
        if self.guarding.interventions > self.guarding.ticks {
            bail!(
                "{} ticks with interventions of {} ticks",
                self.guarding.interventions,
                self.guarding.ticks
            );
        }
        Ok(())
    }
}
