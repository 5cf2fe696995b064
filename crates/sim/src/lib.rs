//! A simulated robot cell: an arm with a gripper, a table, a mug with a handle, and cameras.
//!
//! [`world`] ties it together: joint servos ([`servo`]), contact and grasping ([`physics`]), and
//! pictures ([`scene`], drawn by [`raster`]). [`node`] puts it on the link as a robot like any
//! other; [`expert`] demonstrates the task in two styles.
//!
//! What is simulated and what is not: joints follow their targets as second-order servos and feel
//! nothing; palm and fingers push the mug in rapier and are never pushed back; a grasp is attachment
//! once both fingers press on the mug from opposite sides; other links touch nothing. Base frame as
//! in the robot description, the table top at z = 0; metres, radians, seconds.

mod arm;
pub mod camera;
pub mod config;
pub mod error;
pub mod expert;
pub mod grasp;
pub mod hand;
pub mod mesh;
pub mod mug;
pub mod node;
pub mod physics;
pub mod raster;
pub mod scene;
pub mod servo;
pub mod world;

pub use config::SimConfig;
pub use error::{Result, SimError};
pub use expert::{Expert, ExpertConfig, ExpertStep, Style};
pub use grasp::{Grasp, Outcome};
pub use node::{ClockMode, Judge, SimNode};
pub use world::{Scene, Simulation};
