//! What a robot is, and how to talk to one.
//!
//! [`description`] holds a robot's limits, kinematics and cameras as its `robot.toml` states them;
//! [`kinematics`] and [`inverse`] turn joints into poses and back. The rest is the link: [`wire`]
//! lays messages out, [`keys`] names where they go, [`link`] is the side that commands and
//! [`server`] the side that obeys: a driver, or a simulator.

pub mod description;
pub mod error;
pub mod inverse;
pub mod keys;
pub mod kinematics;
pub mod link;
mod newest;
pub mod proprioception;
pub mod server;
mod session;
pub mod wire;

pub use description::{Camera, Gripper, Joint, Mount, RobotDescription, Workspace};
pub use error::{DescriptionError, LinkError};
pub use inverse::DifferentialIk;
pub use kinematics::Kinematics;
pub use link::{Freshness, RobotLink};
pub use proprioception::proprioception;
pub use server::{RobotServer, ServerRequest};
