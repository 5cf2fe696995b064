//! People who take over: their device's side, and that of whoever drives the robot.
//!
//! Devices speak the native link. A robot that does not speak it is shown to them by whoever drives it
//! ([`TakeoverInbox::in_place_of`]).

mod access;
mod authority_publisher;
mod device_messages;
mod host;
mod in_process;
mod inbox;
mod operator_link;

pub use access::OperatorAccess;
pub use device_messages::Ignored;
pub use in_process::InProcess;
pub use inbox::TakeoverInbox;
pub use operator_link::OperatorLink;
