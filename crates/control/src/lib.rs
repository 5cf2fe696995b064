//! Where the circle closes: an agent's actions go through the guard to the arm, and what the arm
//! does becomes an episode.
//!
//! The robot moves because of [`control_loop`]: it turns one action into joint targets, has the
//! guard admit each, sends them, and returns what the robot saw. [`agent`] is who decides (a
//! diffusion policy, or anyone else), [`session`] runs agents on one or more robots and records
//! episodes; [`totals`] counts what the guard changed and why. [`operator`] is a person's device that
//! takes the arm over, and [`replay`] goes through an episode again without its robot.
//!
//! A robot in real time is commanded at its control rate from reset to the end of an episode, also
//! while the agent thinks: at first on towards the last action, and to a stop once that is older than
//! `guard.stale_ms`. When such a robot falls silent the arm is told to brake; if it is still silent when
//! it should be at rest, or anything else ends the episode early, that is reported.

pub mod agent;
pub mod control_loop;
mod delayed;
pub mod ensemble;
pub mod error;
pub mod live;
pub mod operator;
mod pace;
mod priority;
pub mod replay;
pub mod schedule;
pub mod session;
mod teleop;
mod thinking;
pub mod totals;

pub use agent::{Agent, Decision, View};
pub use control_loop::{Acted, ControlLoop};
pub use ensemble::Ensemble;
pub use error::ControlError;
pub use live::{LiveFigures, Thinking};
pub use schedule::{Blending, RunningChunk, Schedule};
pub use session::{EpisodePlan, Recorded, record_episodes};
pub use teleop::TeleopAgent;
pub use totals::GuardTotals;
