//! Robots that speak something other than the native link.
//!
//! [`choose`] picks the adapter that `[adapter]` of a robot.toml names. [`ros2`] speaks to ROS 2 robots by
//! rmw_zenoh or behind zenoh-bridge-ros2dds, with messages laid out by [`cdr`]; [`physicalai`] to robots that
//! Intel's physicalai owns.

pub mod cdr;
pub mod choose;
pub mod physicalai;
pub mod ros2;
mod session;
mod settings;
