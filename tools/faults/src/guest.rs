//! Plain zenoh sessions beside a robot.

use anyhow::{Result, anyhow};
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant, free_port};
use std::time::Duration;
use zenoh::Session;

/// A plain zenoh session that has no role at the robot behind `endpoint`.
///
/// # Errors
/// When nobody listens there.
pub fn session(endpoint: &str) -> Result<Session> {
    let participant = Participant {
        role: Role::Guest,
        connection: Connection::Join,
        robot: "",
        endpoint,
    };
    Ok(participant.open(&Security::LoopbackOnly, Duration::from_secs(5))?)
}

/// What zenoh reports, as an error of ours.
pub fn zenoh_error(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("zenoh: {error}")
}

/// A loopback address that is free now.
///
/// # Errors
/// When there is none.
pub fn free_endpoint() -> Result<String> {
    Ok(format!("tcp/127.0.0.1:{}", free_port()?))
}
