//! What stands between whoever commands an arm and the arm.
//!
//! [`guard`] lets a command through, changes it, or brakes; whatever it is given, what leaves it is finite and
//! keeps position, velocity, acceleration and jerk limits, velocity limits that fall towards the position
//! limits, the tool's workspace, and the arm's distance from itself, and so does braking from there. Its tick
//! allocates nothing and no input makes it panic. What is looked at, in this order: whether a command is
//! finite, has the robot's joints, is new, and was computed from something new; how far it is ahead of the
//! measured joints; velocity near position limits, velocity, acceleration and jerk; then position limits,
//! velocity near them, workspace and self-collision on the whole way to a stop.
//!
//! Most of what it changes is harmless: a policy's targets come in steps, ten a second on most arms,
//! and no joint can follow a step, so commands after one are slowed to what velocity, acceleration and
//! jerk allow ([`Refusals::only_shape`]). Every other [`refusal`] is worth a look.
//!
//! [`checker`] is a second, independent judge of what left the guard.
//!
//! On the arm's own side, where commands arrive, a [`gate`] decides who may command it and refuses what it
//! must not obey, whatever the guard of whoever sent it thought; [`arbiter`] decides between the policy and a
//! person who takes over; [`homing`] is the way to a posture.
//!
//! # Not safety-rated
//!
//! None of this is a safety function in the sense of ISO 10218-1:2025 and -2:2025 or ISO 13849: it runs on an
//! ordinary computer, knows the arm's state from what it is told, and nothing here knows where people are. What
//! stays with the robot's own controller and the cell around it: the emergency stop and the protective stop;
//! the safety-rated monitoring of speed, position and standstill, set no wider than the cell needs; power and
//! force limiting, which is a property of the hardware; speed and separation monitoring, with sensors of its
//! own; the enabling device; and brakes that hold when power goes. The limits kept here should lie below the
//! controller's, so that its stops stay the last resort.

pub mod arbiter;
pub mod checker;
pub mod config;
pub mod gate;
pub mod guard;
pub mod homing;
mod limits;
pub mod proposal;
pub mod refusal;
mod shaping;
mod space;

pub use arbiter::{Arbiter, Authority, Grip, Unheard};
pub use checker::{Checker, Violation};
pub use config::{GuardConfig, GuardError};
pub use gate::{Denial, DenialCounts, Gate, GateConfig, Phase, Service};
pub use guard::{Admitted, Guard, NoStart};
pub use homing::Homing;
pub use proposal::Proposal;
pub use refusal::{Refusal, RefusalCounts, Refusals};
