//! What came and was not taken: how much of it, why, and the last of it.

use super::joint_envelope::{JointEnvelope, LONGEST_GAP_S};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Between two warnings of what is left out.
const QUIET: Duration = Duration::from_secs(10);
/// Names of the reasons, in the order of [`Problem::reason`].
const REASONS: [&str; 10] = [
    "unreadable",
    "of other joints",
    "not finite",
    "outside the limits",
    "faster than the arm",
    "in disagreement",
    "of a time before",
    "misnumbered",
    "of another sender",
    "with unusable efforts or wrench",
];

/// Why a message is left out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Problem {
    /// It is not what it should be.
    Unreadable(String),
    Joints {
        got: usize,
        wanted: usize,
    },
    NotFinite,
    Outside {
        joint: usize,
        at: f64,
    },
    /// It was elsewhere so many seconds before.
    Jump {
        joint: usize,
        from: f64,
        to: f64,
        seconds: f64,
        /// So far it may have gone, by our clock or by the stamps.
        allowed: f64,
    },
    /// No state has been believed yet, and this contradicts the one before.
    Disagreement(Box<Problem>),
    TimeBack {
        by_ns: u64,
    },
    Number {
        from: u64,
        to: u64,
    },
    /// Another sender is accepted.
    Sender(String),
    /// Efforts or wrench are not this arm's or not finite; the state counts without them.
    Part(String),
}

impl Problem {
    fn reason(&self) -> usize {
        match self {
            Self::Unreadable(_) => 0,
            Self::Joints { .. } => 1,
            Self::NotFinite => 2,
            Self::Outside { .. } => 3,
            Self::Jump { .. } => 4,
            Self::Disagreement(_) => 5,
            Self::TimeBack { .. } => 6,
            Self::Number { .. } => 7,
            Self::Sender(_) => 8,
            Self::Part(_) => 9,
        }
    }

    /// Whether it is that the arm is elsewhere than it can have moved to since it was seen last.
    pub fn is_elsewhere(&self) -> bool {
        match self {
            Self::Jump { .. } => true,
            Self::Disagreement(problem) => problem.is_elsewhere(),
            _ => false,
        }
    }

    fn describe(&self, joints: &[JointEnvelope]) -> String {
        let known = |joint: &usize| joints.get(*joint);
        let name = |joint| known(joint).map_or("?", |j| j.name.as_str());
        match self {
            Self::Unreadable(reason) | Self::Sender(reason) | Self::Part(reason) => reason.clone(),
            Self::Joints { got, wanted } => {
                format!("it has {got} joints, the robot has {wanted}")
            }
            Self::NotFinite => "a number in it is not finite".into(),
            Self::Outside { joint, at } => {
                let allowed = known(joint).map_or_else(String::new, |j| {
                    format!("{:.4} to {:.4}, and {:.3} beyond", j.low, j.high, j.margin)
                });
                format!("joint {} is at {at:.4}, allowed: {allowed}", name(joint))
            }
            Self::Jump {
                joint,
                from,
                to,
                seconds,
                allowed,
            } => {
                let (way, ms) = ((to - from).abs(), seconds * 1e3);
                let (unit, fastest) = known(joint).map_or(("", 0.0), |j| (&j.unit, j.speed));
                let speed = if *seconds > 0.0 {
                    format!(" ({:.1} {unit}/s)", way / seconds)
                } else {
                    String::new()
                };
                format!(
                    "joint {} went {way:.3} {unit} in {ms:.1} ms{speed}, from {from:.3} to {to:.3}, allowed: {allowed:.3} {unit} (at {fastest:.2} {unit}/s, jitter included, for {:.0} ms at most)",
                    name(joint),
                    LONGEST_GAP_S * 1e3
                )
            }
            Self::Disagreement(how) => {
                let how = how.describe(joints);
                format!("states contradict each other before the first can be accepted: {how}")
            }
            Self::TimeBack { by_ns } => {
                format!(
                    "its time is {:.3} s before the last one's",
                    *by_ns as f64 * 1e-9
                )
            }
            Self::Number { from, to } => {
                format!("its number is {to}, the last one's was {from}")
            }
        }
    }

    /// What to do about it.
    fn advice(&self) -> &'static str {
        match self {
            Self::Jump { .. }
            | Self::Disagreement(_)
            | Self::TimeBack { .. }
            | Self::Number { .. }
            | Self::Sender(_) => {
                "; see whether a second program publishes there, or the arm was moved by something else, then start again"
            }
            Self::Outside { .. } => {
                "; see whether another robot's states come there, or the arm's zero is not set"
            }
            Self::Unreadable(_) | Self::Joints { .. } | Self::NotFinite | Self::Part(_) => "",
        }
    }
}

/// Messages of each reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RejectedCounts([u64; REASONS.len()]);

impl RejectedCounts {
    /// All together.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Reasons with how often each came, those that never did left out.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let each = REASONS.into_iter().zip(self.0);
        each.filter(|(_, count)| *count > 0)
    }

    fn count(&mut self, reason: usize) {
        if let Some(count) = self.0.get_mut(reason) {
            *count = count.saturating_add(1);
        }
    }

    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count = count.saturating_add(more);
        }
    }
}

/// What was left out on one key.
#[derive(Debug, Default)]
pub(super) struct Rejected {
    /// Since the newest message that was taken.
    now: RejectedCounts,
    /// In all.
    pub total: RejectedCounts,
    last: Option<Problem>,
    warned: Option<Instant>,
    warned_of_part: Option<Instant>,
}

impl Rejected {
    /// Counts a message. Answers whether it is time to say so.
    pub fn add(&mut self, problem: Problem) -> bool {
        self.now.count(problem.reason());
        self.total.count(problem.reason());
        self.last = Some(problem);
        let now = Instant::now();
        let silent = self.warned.is_none_or(|t| now - t >= QUIET);
        if silent {
            self.warned = Some(now);
        }
        silent
    }

    /// Remembers a message for whoever wonders why nothing is believed, without counting it.
    pub fn note(&mut self, problem: Problem) {
        self.now.count(problem.reason());
        self.last = Some(problem);
    }

    /// Counts a part that was left out of a message that is taken without it. Answers what to say of it, when it
    /// is time to.
    pub fn add_part(&mut self, problem: &Problem) -> Option<String> {
        self.total.count(problem.reason());
        let now = Instant::now();
        let silent = self.warned_of_part.is_none_or(|t| now - t >= QUIET);
        silent.then(|| {
            self.warned_of_part = Some(now);
            problem.describe(&[])
        })
    }

    /// A message was taken.
    pub fn forget(&mut self) {
        self.now = RejectedCounts::default();
        self.last = None;
    }

    /// How many were left out since the newest that was taken, why, and what to do; `None` when none was.
    pub fn describe(&self, joints: &[JointEnvelope]) -> Option<String> {
        let last = self.last.as_ref()?;
        let mut text = String::new();
        for (i, (reason, count)) in self.now.each().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            // Writing into a String cannot fail.
            let _ = write!(text, "{comma}{count} {reason}");
        }
        let _ = write!(
            text,
            "; the last: {}{}",
            last.describe(joints),
            last.advice()
        );
        Some(text)
    }
}
