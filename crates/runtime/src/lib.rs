//! Where the circle closes: an agent's actions go through the guard to the arm, and what the arm
//! does becomes an episode.
//!
//! The robot moves because of [`control_loop`]: it turns one action into joint targets, has the
//! guard admit each, sends them, and returns what the robot saw. [`agent`] is who decides (a
//! diffusion policy, or anyone else), [`session`] runs agents on one or more robots and records
//! episodes.

#![recursion_limit = "256"]

pub mod agent;
pub mod control_loop;
pub mod error;
pub mod session;
mod teleop;

pub use agent::{Agent, Decision, PolicyAgent, View};
pub use control_loop::{ControlLoop, GuardTotals};
pub use error::RuntimeError;
pub use session::{EpisodePlan, Recorded, record_episodes};
pub use teleop::TeleopAgent;
