//! Where operators' devices connect to.

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
