//! A simulated robot cell: an arm with a gripper, a table, cameras, and what a task puts on the table.
//!
//! [`world`] ties it together: joint servos ([`servo`]), contact and grasping ([`physics`]), and
//! pictures ([`drawing`], drawn by [`raster`]). [`node`] puts it on the link as a robot like any
//! other. A [`Task`] says what is in the scene ([`body`]), when it is done, what is measured ([`facts`]), and how it is
//! demonstrated ([`expert`]); those there are stand in [`tasks`]. Adding one is one file and one line there.
//! [`trial`] shows a task without a link, and [`channel_control`] says whether one recorded number tells what is
//! preferred.
//!
//! What is simulated and what is not: joints follow their targets as second-order servos and feel
//! nothing; palm and fingers push bodies in rapier and are never pushed back; a grasp is attachment
//! once both fingers press on a body from opposite sides, or friction where a task asks for it; other
//! links touch nothing. Base frame as
//! in the robot description, the table top at z = 0; metres, radians, seconds.
//!
//! ```
//! use apprentice_core::Seed;
//! use apprentice_robot::RobotDescription;
//! use apprentice_sim::{SimConfig, Simulation, TaskKind};
//!
//! let robot = RobotDescription::embedded("franka_fr3")?;
//! let mut cell = Simulation::new(SimConfig::default(), TaskKind::default(), &robot)?;
//! cell.reset(Seed(1));
//! cell.advance(100_000_000);
//! let outcome = cell.measure();
//! assert_eq!(outcome.success, Some(false));
//! assert!(outcome.facts.number("table_clearance_m").is_some_and(|height| height > 0.1));
//! # Ok::<(), apprentice_sim::SimError>(())
//! ```
#![deny(missing_docs)]

mod arm;
pub mod body;
pub mod camera;
pub mod channel_control;
pub mod config;
pub mod disturbance;
pub mod drawing;
pub mod error;
pub mod expert;
pub mod expert_config;
pub mod facts;
pub mod hand;
mod measuring;
pub mod mesh;
pub mod motion;
pub mod node;
pub mod outcome;
pub mod physics;
pub mod pick_and_lift;
pub mod raster;
pub mod scene;
pub mod servo;
pub mod task;
pub mod tasks;
pub mod trial;
pub mod world;

pub use config::SimConfig;
pub use error::{Result, SimError};
pub use expert::{Expert, ExpertStep};
pub use expert_config::ExpertConfig;
pub use facts::{Fact, FactInfo, Facts};
pub use node::{ClockMode, GroundTruth, SimNode};
pub use outcome::Outcome;
pub use scene::Scene;
pub use task::{Style, Task, Words};
pub use tasks::TaskKind;
pub use world::Simulation;
