//! How a robot is talked to: the native link, `robots/PROTOCOL.md`.
//!
//! [`arm`] is a robot as the control loop sees it, whatever it speaks, and [`inbox`] keeps the newest of what
//! it publishes. For the native link [`wire`] lays messages out, [`keys`] names where they go, [`client`] is the
//! side that commands and [`server`] the side that obeys: a driver, or a simulator. [`takeover`] is how people
//! come between, whatever the robot speaks.

pub mod arm;
pub mod client;
mod command_endpoint;
pub mod error;
pub mod inbox;
pub mod keys;
pub mod security;
pub mod server;
pub mod session;
pub mod takeover;
mod tokens;
pub mod wire;

pub use arm::Arm;
pub use client::RobotLink;
pub use command_endpoint::CommandEndpoint;
pub use error::LinkError;
pub use inbox::{Acceptance, Freshness, Inbox, RejectedCounts};
pub use server::{Due, RobotServer, ServerRequest};
pub use takeover::{Ignored, OperatorAccess, OperatorLink, TakeoverInbox};
