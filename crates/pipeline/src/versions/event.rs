//! What is kept of what happened to versions.

use super::gate::Check;
use super::promise::Promise;
use serde::{Deserialize, Serialize};

/// Who goes back where no person does.
pub const THE_WATCH: &str = "the watch";

/// What may happen to a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// It became the arm's policy.
    Promoted,
    /// The arm went back to it.
    RolledBack,
}

/// Something that happened to a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number, from 1.
    pub number: u32,
    /// When, seconds since 1970.
    pub at_s: u64,
    /// What.
    pub what: EventKind,
    /// The version that is the arm's from now on.
    pub version: u32,
    /// The one that was the arm's before.
    pub from: u32,
    /// SHA-256 of that version's policy; `None` in events of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Why a person accepted what was not shown yet; `None` where all was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// Who did it.
    pub who: String,
    /// Why; `None` for a promotion, whose reasons are its checks.
    pub reason: Option<String>,
    /// What the gate found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// What was promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<Promise>,
}
