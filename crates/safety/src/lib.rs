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
//! jerk allow ([`Interventions::only_rate_limits`]). Every other [`intervention`] is worth a look.
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
//! ordinary computer, knows the arm's state from what it is told, and nothing here knows where people are. It
//! helps a cell to need its safety functions less often; it replaces none of them. The limits kept here should lie
//! below the controller's, so that its stops stay the last resort.
//!
//! | function here | the subject of ISO 10218:2025 it helps with | what has to be safety-rated all the same |
//! |---|---|---|
//! | [`gate`]: `stop` from every phase, held until somebody who may lifts it on purpose; no restart by itself | -1, 5.4 stopping functions (the normal stop); start and restart | emergency stop and protective stop, wired to the controller; the reset beside the cell, from where it can be seen |
//! | [`gate`]: 200 ms and 2 s of silence, a lost lease, an arm that does not say where it is | loss of communication with an external control | the controller's own watchdog and its stop category |
//! | [`guard`] and [`gate`]: velocity, acceleration and jerk below the description's, none of which asking again widens | -1, speed limits | monitored speed; 250 mm/s of the tool in manual mode |
//! | [`guard`]: position limits, workspace, distance from the arm itself, on the whole way to a stop; [`homing`] likewise | -1, axis and space limiting; -2, restricted space | monitored axis and space limits, hard stops |
//! | [`guard`]: where the arm comes to rest is known before each command | -1, stopping time and distance | stopping times and distances measured on the arm, with its load |
//! | [`guard`]: starts from where the arm is and believes no state that joints cannot have reached | unexpected start-up | monitored standstill; power removed before anybody enters |
//! | [`arbiter`]: a person's deadman wins at once, let go of the arm stops, and only a hand-back lets the policy go on | -1, manual control, hold-to-run and enabling devices | a three-position enabling device with its own channel |
//! | access rules, keys, bounded sequence numbers (`apprentice-link`) | -2, 5.2.16 cybersecurity | the network around the cell, and the machine this runs on |
//! | none | -2, collaborative applications: speed and separation, power and force limiting | all of it: sensors, force limits and the risk assessment |
//!
//! Clauses are numbered where a public table of contents gives the number; look the others up in the standard.
//!
//! ```
//! use apprentice_core::{JointCommand, RobotState};
//! use apprentice_robot::RobotDescription;
//! use apprentice_safety::{Guard, GuardConfig, Intervention};
//!
//! let robot = RobotDescription::embedded("franka_fr3")?;
//! let mut guard = Guard::new(&robot, GuardConfig::default())?;
//! let state = RobotState {
//!     sequence: 1,
//!     stamp_ns: 0,
//!     positions: robot.home.clone(),
//!     velocities: vec![0.0; robot.joints.len()],
//!     gripper_width: 0.04,
//!     efforts: None,
//!     external_wrench: None,
//! };
//! let mut wanted = JointCommand {
//!     sequence: 1,
//!     stamp_ns: 0,
//!     positions: robot.home.clone(),
//!     gripper_width: 0.04,
//! };
//! wanted.positions[0] += 1.0; // rad, in one control period
//! let admitted = guard.admit(&wanted, &state, 0);
//! assert!(admitted.interventions.contains(Intervention::FollowingError));
//! assert!(admitted.command.positions[0] < wanted.positions[0]);
//! # Ok::<(), apprentice_safety::GuardError>(())
//! ```

#![deny(missing_docs)]

pub mod arbiter;
pub mod checker;
pub mod config;
pub mod gate;
mod geometry_limits;
pub mod guard;
pub mod homing;
pub mod intervention;
mod intervention_words;
mod limits;
pub mod proposal;
pub mod sequence;
mod shaping;

pub use arbiter::{
    Arbiter, ControlAuthority, TeleopMessage, TeleopRejection, TeleopRejectionCounts,
};
pub use checker::{Checker, Violation};
pub use config::{GuardConfig, GuardError};
pub use gate::{Caller, Denial, DenialCounts, Gate, GateConfig, Phase, Service};
pub use guard::{Admitted, Guard, GuardSnapshot, StartError};
pub use homing::{Clearance, Homing, Motion};
pub use intervention::{Intervention, InterventionCounts, Interventions};
pub use proposal::Proposal;
pub use sequence::{MOST_SKIPPED, OutOfOrder, Sequence};
