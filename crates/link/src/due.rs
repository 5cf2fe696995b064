//! What a robot should do now.

use apprentice_core::JointCommand;
use apprentice_safety::Phase;

/// What the robot should do now.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// How it stands. In any phase but `Active` and `Homing` it stays where it is.
    pub phase: Phase,
    /// A command that was not given before, when there is one.
    pub command: Option<JointCommand>,
}
