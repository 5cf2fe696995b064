//! Robots that speak something other than the native link.
//!
//! [`choose`] picks the adapter that `[adapter]` of a robot.toml names. [`ros2`] speaks to ROS 2 robots by
//! rmw_zenoh or behind zenoh-bridge-ros2dds, with messages laid out by [`cdr`]; [`physicalai`] to robots that
//! Intel's physicalai owns; [`franka_node`] to Franka arms behind the node of that name. People take all of them
//! over as they do a robot on the native link.

pub mod cdr;
pub mod connect;
mod error_context;
pub mod franka_node;
mod operators;
pub mod physicalai;
pub mod ros2;
mod session;
mod settings;
