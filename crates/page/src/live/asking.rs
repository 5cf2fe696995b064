//! What people ask of the robot.

use serde::Deserialize;

/// What people ask of the robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Asking {
    /// To stop, and to stay until somebody has seen to it.
    Stop,
    /// To stay where it is, with nobody deciding, until it may go on.
    Hold,
    /// To let the policy have it again.
    GoOn,
}
