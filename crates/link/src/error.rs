//! What can go wrong on the way to a robot.

use crate::security::SecurityError;
use apprentice_robot::DescriptionError;
use thiserror::Error;

/// A link that failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LinkError {
    /// No session.
    #[error(
        "no zenoh session at {endpoint}: {reason}; is the robot (or `apprentice sim`) running there?"
    )]
    Session {
        /// Where.
        endpoint: String,
        /// What zenoh says.
        reason: String,
    },
    /// A key that cannot be used.
    #[error("zenoh key {key} cannot be used: {reason}")]
    Key {
        /// The key.
        key: String,
        /// What zenoh says.
        reason: String,
    },
    /// No answer in time.
    #[error(
        "robot {robot} did not answer on {key} within {timeout_ms} ms; is it running, and is its name right?"
    )]
    Silent {
        /// Which robot.
        robot: String,
        /// Which key.
        key: String,
        /// How long we waited.
        timeout_ms: u64,
    },
    /// Nothing new for too long, although something came before.
    #[error(
        "robot {robot} has sent nothing new on {key} for {age_ms} ms, allowed: {allowed_ms} ms; see whether it still runs and the network holds, then start again"
    )]
    Stale {
        /// Which robot.
        robot: String,
        /// Which key.
        key: String,
        /// How long ago the newest message came.
        age_ms: u64,
        /// How long ago it may have come.
        allowed_ms: u64,
    },
    /// Nothing that could be used for too long, although something came.
    #[error(
        "robot {robot} has sent nothing that can be used on {key} for {silent_ms} ms, allowed: {allowed_ms} ms; what came was left out: {rejected}"
    )]
    Rejected {
        /// Which robot.
        robot: String,
        /// Which key.
        key: String,
        /// How long ago the newest message that could be used came, or for how long one was waited for.
        silent_ms: u64,
        /// How long that may be.
        allowed_ms: u64,
        /// How much was left out since, why, what was wrong with the last, and what to do.
        rejected: String,
    },
    /// A camera that sends the same picture again and again.
    #[error(
        "robot {robot} has sent the same picture on {key} for {unchanged_ms} ms, allowed: {allowed_ms} ms (frozen_after_s of its description); see whether the camera hangs, then start again"
    )]
    Frozen {
        /// Which robot.
        robot: String,
        /// Which key.
        key: String,
        /// For how long, by when the pictures came.
        unchanged_ms: u64,
        /// For how long they may.
        allowed_ms: u64,
    },
    /// The robot said no.
    #[error("robot {robot} refused {key}: {reason}")]
    Refused {
        /// Which robot.
        robot: String,
        /// Which key.
        key: String,
        /// What it said.
        reason: String,
    },
    /// Connected, but one side does not hear the other.
    #[error(
        "robot {robot} cannot be engaged: {what}, waited {waited_ms} ms; two zenoh peers hear each other only where one connects to the other, or both to a router: check endpoints and modes"
    )]
    Unreachable {
        /// Which robot.
        robot: String,
        /// What is missing.
        what: String,
        /// How long it was waited for.
        waited_ms: u64,
    },
    /// The robot does not obey us any more.
    #[error(
        "robot {robot} does not obey any more ({said}); see to it, then start again to take it over anew"
    )]
    ControlLost {
        /// Which robot.
        robot: String,
        /// What it said.
        said: String,
    },
    /// A message that is not one of ours.
    #[error(
        "message of {bytes} bytes on {key} cannot be used: {reason}; the sender does not keep to robots/PROTOCOL.md"
    )]
    Message {
        /// Which key.
        key: String,
        /// How long it was.
        bytes: usize,
        /// What is wrong.
        reason: String,
    },
    /// Something is wrong on the way to a robot that speaks something else than the native link.
    #[error("{adapter}: {what}; {advice}")]
    Adapter {
        /// What the robot speaks.
        adapter: &'static str,
        /// What is wrong.
        what: String,
        /// What to look at.
        advice: &'static str,
    },
    /// The robot's description cannot be used.
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// Not allowed, or keys that cannot be used.
    #[error(transparent)]
    Security(#[from] SecurityError),
}

impl LinkError {
    /// Whether nothing new has come for too long, or nothing that could be used.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Stale { .. } | Self::Rejected { .. })
    }
}

/// A key that zenoh does not take.
pub(crate) fn key_error(key: &str, error: &zenoh::Error) -> LinkError {
    LinkError::Key {
        key: key.to_owned(),
        reason: zenoh_message(error),
    }
}

/// What zenoh says of an error, without the lines of its source that it names: they help nobody who runs a robot.
#[must_use]
pub fn zenoh_message(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let is_place = |word: &str| {
        let (file, line) = word
            .trim_end_matches('.')
            .rsplit_once(':')
            .unwrap_or_default();
        file.ends_with(".rs") && line.parse::<u32>().is_ok()
    };
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        if is_place(word) && words.last() == Some(&"at") {
            words.pop();
        } else {
            words.push(word);
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zenohs_words_stay_and_its_source_lines_go() {
        let said = "Unable to connect to any of [tcp/h:1]. Timeout! at /a b/c.rs:3 at /x/y.rs:388. - Caused by no way at all at z.rs:1.";
        let kept = "Unable to connect to any of [tcp/h:1]. Timeout! at /a b/c.rs:3 - Caused by no way at all";
        assert_eq!(zenoh_message(&said), kept);
        let other = "nobody listens at tcp/host.rs:7447x at noon";
        assert_eq!(zenoh_message(&other), other);
    }
}
