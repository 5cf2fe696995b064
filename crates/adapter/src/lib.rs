//! Robots that speak something other than the native link.
pub mod franka_node;
