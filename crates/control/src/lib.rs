//! The main loop: an agent's actions go through the guard to the arm, and what the arm does becomes an episode.
//!
//! The robot moves because of [`control_loop`]: it turns one action into joint targets, has the guard admit each,
//! sends them, and returns what the robot saw. [`agent`] is who decides (a policy, or anyone else), [`session`] runs
//! agents on one or more robots and records episodes; [`totals`] counts what the guard changed and why. [`operator`]
//! is a person's device that takes the arm over, and [`replay`] goes through an episode again without its robot.
//!
//! A robot in real time is commanded at its control rate from reset to the end of an episode, also while the agent
//! computes: at first on towards the last action, and to a stop once that is older than `guard.stale_ms`. When such a
//! robot falls silent the arm is told to brake; if it is still silent when it should be at rest, or anything else ends
//! the episode early, that is reported.
//!
//! Which action is due at a tick, when chunks come late:
//!
//! ```
//! use apprentice_control::{Blending, Schedule};
//! use apprentice_core::{ActionChunk, ActionSpace, ObservationStamp};
//!
//! # fn main() -> Result<(), apprentice_core::ActionChunkError> {
//! let mut schedule = Schedule::new(Blending::Switch);
//! // Decided from the observation at tick 10, there at tick 12: the first two actions are over.
//! let observed = ObservationStamp { tick: 10, stamp_ns: 1_000_000_000 };
//! let actions = (0..8_u8).map(|i| [f32::from(i)]);
//! schedule.offer(12, ActionChunk::new(ActionSpace::JointPositions, observed, actions)?);
//! assert_eq!(schedule.decide(12), Some(vec![2.0]));
//! assert_eq!((schedule.remaining(13), schedule.expected_delay()), (5, 2));
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

pub mod agent;
mod annotate;
mod chunk_check;
pub mod chunking;
pub mod control_loop;
mod delayed;
pub mod ensemble;
mod episode_origin;
pub mod episode_plan;
mod episode_run;
pub mod error;
mod live;
pub mod operator;
mod pace;
mod plan_ready;
mod planning;
mod priority;
pub mod real_time_stats;
pub mod replay;
pub mod schedule;
pub mod session;
mod teleop;
pub mod totals;

pub use agent::Agent;
pub use chunking::{Blending, ChunkingConfig};
pub use control_loop::{ActionOutcome, ControlLoop};
pub use ensemble::Ensemble;
pub use episode_plan::{EpisodePlan, RecordedEpisode};
pub use error::ControlError;
pub use real_time_stats::RealTimeStats;
pub use schedule::Schedule;
pub use session::record_episodes;
pub use teleop::TeleopAgent;
pub use totals::GuardTotals;
