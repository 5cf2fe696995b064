//! Zenoh sessions that talk to one address and nobody else.
//!
//! Whoever listens is a router, whoever connects its client: peers pass nothing on, and a runtime and an
//! operator's device that are both connected to a robot would silently miss each other.

use crate::LinkError;
use std::time::Duration;
use zenoh::{Config, Session, Wait as _};

/// A router that listens, or a client that connects, at `endpoint` and looks for nobody else.
pub(crate) fn open(listen: bool, endpoint: &str, timeout: Duration) -> Result<Session, LinkError> {
    let failed = |reason: String| LinkError::Session {
        endpoint: endpoint.into(),
        reason,
    };
    let place = if listen {
        "listen/endpoints"
    } else {
        "connect/endpoints"
    };
    let other = if listen {
        "connect/endpoints"
    } else {
        "listen/endpoints"
    };
    let settings = [
        (
            "mode",
            if listen { "\"router\"" } else { "\"client\"" }.to_owned(),
        ),
        ("scouting/multicast/enabled", "false".to_owned()),
        ("scouting/gossip/enabled", "false".to_owned()),
        (place, format!("[{endpoint:?}]")),
        (other, "[]".to_owned()),
        ("connect/timeout_ms", timeout.as_millis().to_string()),
        ("connect/exit_on_failure", "true".to_owned()),
    ];
    let mut config = Config::default();
    for (key, value) in settings {
        config
            .insert_json5(key, &value)
            .map_err(|e| failed(e.to_string()))?;
    }
    zenoh::open(config)
        .wait()
        .map_err(|e| failed(e.to_string()))
}
