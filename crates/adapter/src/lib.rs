//! Robots that speak something other than the native link.
//!
//! [`connect`](mod@connect) picks the adapter that `[adapter]` of a robot.toml names. [`ros2`] speaks to ROS 2 robots by
//! rmw_zenoh or behind zenoh-bridge-ros2dds, with messages laid out by [`cdr`]; [`physicalai`] to robots that
//! Intel's physicalai owns; [`franka_node`] to Franka arms behind the node of that name. People take all of them
//! over as they do a robot on the native link.
//!
//! ```
//! use apprentice_adapter::cdr::{self, Float64};
//!
//! // A ROS 2 message as it goes over zenoh.
//! let bytes = cdr::encode(&Float64 { data: 0.5 })?;
//! assert_eq!(cdr::decode::<Float64>(&bytes)?, Float64 { data: 0.5 });
//! # Ok::<(), cdr::CdrError>(())
//! ```

#![deny(missing_docs)]

pub mod cdr;
pub mod connect;
mod error_context;
pub mod franka_node;
mod operators;
pub mod physicalai;
pub mod ros2;
mod session;
mod settings;
