//! How a robot is talked to: the native link, `robots/PROTOCOL.md`.
//!
//! [`arm`] is a robot as the control loop sees it, whatever it speaks, and [`inbox`] keeps the newest of what
//! it publishes. For the native link [`wire`] lays messages out, [`keys`] names where they go, [`client`] is the
//! side that commands and [`server`] the side that obeys: a driver, or a simulator. [`takeover`] is how people
//! come between, whatever the robot speaks. [`live_check`] tests a driver of others that runs.
//!
//! ```
//! use apprentice_core::JointCommand;
//! use apprentice_link::keys::{ClientMessage, Keys};
//! use apprentice_link::wire;
//!
//! let client = 42;
//! let key = Keys::new("arm").of(ClientMessage::Command, client);
//! assert_eq!(key, "apprentice/arm/command/0000002a");
//! let command = JointCommand {
//!     sequence: 1,
//!     stamp_ns: 0,
//!     positions: vec![0.1, -0.2],
//!     gripper_width: 0.04,
//! };
//! let bytes = wire::encode_command(client, &command);
//! assert_eq!(wire::decode_command(&bytes), Ok((client, command)));
//! ```

#![deny(missing_docs)]

pub mod arm;
pub mod client;
mod command_endpoint;
mod due;
pub mod error;
pub mod inbox;
pub mod keys;
pub mod live_check;
mod participant;
mod running_episode;
pub mod security;
pub mod server;
pub mod session;
pub mod takeover;
mod tokens;
pub mod verdict;
pub mod wire;
mod zenoh_threads;

pub use arm::Arm;
pub use client::RobotLink;
pub use command_endpoint::CommandEndpoint;
pub use due::Due;
pub use error::LinkError;
pub use inbox::{Acceptance, Freshness, Inbox, RejectedCounts};
pub use running_episode::{EpisodeTeller, RunningEpisode};
pub use server::{RobotServer, ServerRequest};
pub use takeover::{Ignored, OperatorAccess, OperatorLink, TakeoverInbox};
pub use verdict::EpisodeVerdict;
