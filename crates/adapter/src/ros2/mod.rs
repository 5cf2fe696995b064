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
mod gripper;
mod joints;
pub mod keys;
pub mod liveliness;
mod node;
mod pacing;
pub mod picture;
mod servo;
pub mod settings;
pub mod type_hashes;

use crate::error_context::ErrorContext;
pub use arm::Ros2Arm;
pub use gripper::GripperReport;
pub use servo::{SLOWDOWN_CONDITION, STOP_CONDITION};
pub use settings::Settings;

/// How what goes wrong is said.
const ERRORS: ErrorContext = ErrorContext {
    adapter: "ROS 2",
    no_session: "see whether rmw_zenohd or zenoh-bridge-ros2dds runs there, and whether `mode` in [adapter] is right",
    silent: "see whether its driver runs, and whether the topic, `domain` (ROS_DOMAIN_ID), `keys` and `hashes` in [adapter] are the robot's (`ros2 topic list -t` says which there are)",
    message: "see whether the topic in [adapter] has this type (`ros2 topic info -v` says which)",
};
