//! Who takes part at the keys of a robot.

use crate::security::role::Role;

/// Which side of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Others connect to us: we pass messages on, and enforce who may send them.
    Listen,
    /// We connect to whoever listens, and connect again whenever the connection is lost.
    Join,
}

/// Who takes part at the keys of a robot, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Participant<'a> {
    /// What it is.
    pub role: Role,
    /// Which side of the connection.
    pub connection: Connection,
    /// Which robot; not looked at for a guest.
    pub robot: &'a str,
    /// Where, such as `tcp/127.0.0.1:7447`, or `tls/arm.lab:7447` with keys.
    pub endpoint: &'a str,
}

/// Whether `name` can be one part of a key and of a certificate's name.
pub(crate) fn is_robot_name(name: &str) -> bool {
    (1..=48).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}
