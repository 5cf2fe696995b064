//! A router that others join.

use anyhow::Result;
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant};
use std::time::Duration;

/// Listens at `endpoint` until killed.
pub fn run(endpoint: &str, robot: &str) -> Result<()> {
    let participant = Participant {
        role: Role::Router,
        connection: Connection::Listen,
        robot,
        endpoint,
    };
    let _session = participant.open(&Security::LoopbackOnly, Duration::from_secs(5))?;
    println!("listening");
    loop {
        std::thread::park();
    }
}
