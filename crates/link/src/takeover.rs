//! People who take over: their device's side, and that of whoever drives the robot.
//!
//! Devices speak the native link. A robot that does not speak it is shown to them by whoever drives it
//! ([`TakeoverInbox::in_place_of`]).

mod authority_publisher;
mod device_messages;
mod host;
mod in_process;
mod inbox;
mod operator_link;

pub use device_messages::Ignored;
pub use in_process::InProcess;
pub use inbox::TakeoverInbox;
pub use operator_link::OperatorLink;

use crate::security::Security;

/// Where operators' devices connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorAccess<'a> {
    /// To the robot or the router that we are connected to ourselves.
    Shared,
    /// To us, at an address of our own.
    Own {
        /// Where we listen, such as `tcp/127.0.0.1:7448`, or `tls/0.0.0.0:7448` with keys.
        endpoint: &'a str,
        /// Who may connect there.
        security: &'a Security,
    },
}
