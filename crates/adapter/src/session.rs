//! Zenoh sessions for robots that speak something else.

use apprentice_link::LinkError;
use apprentice_link::error::zenoh_message;
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant};
use serde::Deserialize;
use std::time::Duration;
use zenoh::pubsub::Subscriber;
use zenoh::sample::Sample;
use zenoh::{Session, Wait as _};

/// How we take part in the robot's network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A client of a router (rmw_zenohd, a bridge), which passes everything on.
    #[default]
    Client,
    /// A peer of exactly one other; since zenoh 1.9 peers pass nothing on.
    Peer,
}

/// A session that connects to `endpoint`, as far as `security` allows it, and looks for nobody else. A lost
/// connection is made again after 100 to 500 ms.
pub(crate) fn open(
    mode: Mode,
    endpoint: &str,
    security: &Security,
    timeout: Duration,
) -> Result<Session, LinkError> {
    let failed = |reason: String| LinkError::Session {
        endpoint: endpoint.into(),
        reason,
    };
    let mode = match mode {
        Mode::Client => "\"client\"",
        Mode::Peer => "\"peer\"",
    };
    let mut config = Participant {
        role: Role::Guest,
        connection: Connection::Join,
        robot: "",
        endpoint,
    }
    .config(security, timeout)?;
    config
        .insert_json5("mode", mode)
        .map_err(|e| failed(format!("mode: {e}")))?;
    zenoh::open(config)
        .wait()
        .map_err(|e| failed(zenoh_message(&e)))
}

/// Hands what comes on `key` to `read`, which must not wait.
pub(crate) fn subscribe(
    session: &Session,
    key: &str,
    read: impl Fn(Sample) + Send + Sync + 'static,
) -> Result<Subscriber<()>, LinkError> {
    session
        .declare_subscriber(key.to_owned())
        .callback(read)
        .wait()
        .map_err(|e| unusable(key, &e))
}

/// A key that zenoh does not take.
pub(crate) fn unusable(key: &str, error: &zenoh::Error) -> LinkError {
    LinkError::Key {
        key: key.into(),
        reason: zenoh_message(error),
    }
}
