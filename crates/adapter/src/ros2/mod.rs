//! Robots that ROS 2 drives, spoken to over zenoh without ROS: on rmw_zenoh, or behind zenoh-bridge-ros2dds.
//!
//! Joint states, pictures and speed scaling come in; commands go out as the robot's controller takes them, the
//! gripper's by its action. Formats are those of rmw_zenoh's design document and of zenoh-plugin-ros2dds
//! 1.10.2. [`settings`] says what `[adapter]` may hold.
//!
//! None of these controllers checks who sends. A forward command controller checks nothing at all: no limit
//! but our guard stands before the motors, besides the robot's own.

mod arm;
pub mod attachment;
mod cameras;
mod command;
mod errors;
mod gripper;
mod joints;
pub mod keys;
pub mod liveliness;
mod node;
mod pacing;
pub mod picture;
mod servo;
pub mod settings;
mod subscriptions;
pub mod type_hashes;

pub use arm::Ros2Arm;
pub use gripper::GripperReport;
pub use servo::{SLOWDOWN_CONDITION, STOP_CONDITION};
pub use settings::Settings;
