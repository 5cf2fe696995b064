//! A command as it comes to the guard.

use apprentice_core::JointCommand;

/// A command that asks to be let through.
#[derive(Clone, Copy, Debug)]
pub struct Proposal<'a> {
    /// Counts up by one a command.
    pub sequence: u64,
    /// When it was meant to be sent, nanoseconds on the clock of the guard's `now_ns`.
    pub stamp_ns: u64,
    /// When what it was computed from was seen, nanoseconds on the same clock; `None` when nobody says.
    pub observed_ns: Option<u64>,
    /// Joint targets, rad (or the joint's unit).
    pub positions: &'a [f64],
    /// Opening of the gripper, metres.
    pub gripper_width: f64,
}

impl Proposal<'_> {
    /// The same, computed from what was seen at this time.
    #[must_use]
    pub fn observed_at(self, observed_ns: u64) -> Self {
        Self {
            observed_ns: Some(observed_ns),
            ..self
        }
    }
}

impl<'a> From<&'a JointCommand> for Proposal<'a> {
    fn from(command: &'a JointCommand) -> Self {
        Self {
            sequence: command.sequence,
            stamp_ns: command.stamp_ns,
            observed_ns: None,
            positions: &command.positions,
            gripper_width: command.gripper_width,
        }
    }
}
