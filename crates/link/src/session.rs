//! Zenoh sessions that talk to one address and nobody else.
//!
//! Whoever listens is a router, whoever connects its client: since zenoh 1.9 peers pass nothing on, and two
//! processes that are both connected to a third would silently miss each other. Figures below were chosen by
//! measuring: a hung process is noticed after one lease (751 ms instead of 9.5 s), a lost router found again
//! within a fraction of a second.

use crate::LinkError;
use crate::error::zenoh_message;
pub(crate) use crate::participant::is_robot_name;
pub use crate::participant::{Connection, Participant};
use crate::security::{Credentials, Role, Security, SecurityError, access};
pub use crate::zenoh_threads::{ONE_THREAD, reads_and_writes_on_one_thread};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use zenoh::{Config, Session, Wait as _};

/// After how long without a sign of life a connection counts as lost, milliseconds.
pub const LEASE_MS: u64 = 1000;
/// Signs of life in a lease.
const KEEP_ALIVE: u64 = 4;
/// First and longest wait between attempts to connect again, milliseconds.
const RETRY_MS: (u64, u64) = (100, 500);
/// How long a new connection may take to say who it is, milliseconds.
const HANDSHAKE_MS: u64 = 3000;
/// The longest message that is put together from fragments, bytes; zenoh's own limit is 1 GiB.
const LONGEST_MESSAGE: usize = 64 << 20;
/// Connections a listener keeps at once.
const MOST_CONNECTIONS: usize = 64;

/// A port of this machine that nobody listens at, another one each time. It lies below those that the system
/// gives to connections (from 32768 up on Linux), which may be taken a moment later.
///
/// # Errors
/// When no port can be listened at.
pub fn free_port() -> std::io::Result<u16> {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 20_000;
    static ASKED: AtomicU32 = AtomicU32::new(0);
    // Processes that begin together look in different places.
    let here = std::process::id().wrapping_mul(97);
    let mut refused = None;
    for _ in 0..100 {
        let next = here.wrapping_add(ASKED.fetch_add(1, Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + next).unwrap_or(u16::MAX);
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => return Ok(port),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| std::io::ErrorKind::AddrNotAvailable.into()))
}

impl Participant<'_> {
    /// Opens a session. Who joins waits up to `timeout` for somebody to listen; who listens does not wait.
    ///
    /// # Errors
    /// When `security` does not allow it (before anything is sent), the address cannot be used, or nobody is
    /// there whom we trust and who trusts us.
    pub fn open(&self, security: &Security, timeout: Duration) -> Result<Session, LinkError> {
        self.open_with(security, timeout, &[])
    }

    /// As [`Self::open`], with these settings of zenoh changed.
    pub(crate) fn open_with(
        &self,
        security: &Security,
        timeout: Duration,
        settings: &[(&str, Value)],
    ) -> Result<Session, LinkError> {
        let mut config = self.config(security, timeout)?;
        for (key, value) in settings {
            config
                .insert_json5(key, &value.to_string())
                .map_err(|e| self.failed(format!("setting {key}: {e}")))?;
        }
        zenoh::open(config).wait().map_err(|e| {
            let keys = match security {
                Security::Keys { .. } => {
                    "; both sides need keys from the same folder, and those of whoever listens must name this host (apprentice keys DIR --check says which they name)"
                }
                Security::Off | Security::LoopbackOnly => "",
            };
            self.failed(format!("{}{keys}", zenoh_message(&e)))
        })
    }

    fn failed(&self, reason: String) -> LinkError {
        LinkError::Session {
            endpoint: self.endpoint.into(),
            reason,
        }
    }

    /// The settings of its session, for a session that is opened elsewhere.
    ///
    /// # Errors
    /// When `security` does not allow it.
    pub fn config(&self, security: &Security, timeout: Duration) -> Result<Config, LinkError> {
        if self.role != Role::Guest && !is_robot_name(self.robot) {
            return Err(SecurityError::RobotName {
                got: self.robot.into(),
            }
            .into());
        }
        let credentials = security.admit(self)?;
        let mut settings = self.connection_settings(timeout);
        settings.extend(transport_settings());
        if self.role != Role::Guest {
            settings.push(("low_pass_filter", access::size_limits(self.robot)));
            settings.push(("transport/unicast/max_sessions", json!(MOST_CONNECTIONS)));
        }
        if let Some(credentials) = &credentials {
            if !reads_and_writes_on_one_thread() {
                return Err(SecurityError::Threads.into());
            }
            settings.push(("transport/link/tls", tls(credentials)?));
            settings.push(("transport/link/protocols", json!(["tls"])));
            let listens = self.connection == Connection::Listen;
            if let Some(control) =
                access::control(self.role, credentials.device_index, listens, self.robot)
            {
                settings.push(("access_control", control));
            }
        }
        let mut config = Config::default();
        for (key, value) in settings {
            config
                .insert_json5(key, &value.to_string())
                .map_err(|e| self.failed(format!("setting {key}: {e}")))?;
        }
        Ok(config)
    }

    fn connection_settings(&self, timeout: Duration) -> Vec<(&'static str, Value)> {
        let here = json!([self.endpoint]);
        let (mode, listen, connect) = match self.connection {
            Connection::Listen => ("router", here, json!([])),
            Connection::Join => ("client", json!([]), here),
        };
        vec![
            ("mode", json!(mode)),
            ("listen/endpoints", listen),
            ("connect/endpoints", connect),
            ("connect/timeout_ms", json!(timeout.as_millis() as u64)),
            ("connect/exit_on_failure", json!(true)),
            (
                "connect/retry",
                json!({"period_init_ms": RETRY_MS.0, "period_max_ms": RETRY_MS.1, "period_increase_factor": 2}),
            ),
            ("listen/exit_on_failure", json!(true)),
        ]
    }
}

/// What every session has in common.
fn transport_settings() -> Vec<(&'static str, Value)> {
    vec![
        ("scouting/multicast/enabled", json!(false)),
        ("scouting/gossip/enabled", json!(false)),
        // A router waits this long before it is ready, even where it looks for nobody.
        ("scouting/delay", json!(0)),
        ("adminspace/enabled", json!(false)),
        // Our messages carry their own stamps; a router's would only make them longer.
        ("timestamping/enabled", json!(false)),
        ("transport/link/tx/lease", json!(LEASE_MS)),
        ("transport/link/tx/keep_alive", json!(KEEP_ALIVE)),
        // Nobody holds a sender up for longer than they would count as alive.
        (
            "transport/link/tx/queue/congestion_control/block/wait_before_close",
            json!(LEASE_MS * 1000),
        ),
        ("transport/link/rx/max_message_size", json!(LONGEST_MESSAGE)),
        ("transport/unicast/open_timeout", json!(HANDSHAKE_MS)),
        ("transport/unicast/accept_timeout", json!(HANDSHAKE_MS)),
        // It loses messages of more than 64 KiB: a camera frame.
        ("transport/unicast/lowlatency", json!(false)),
    ]
}

/// Mutual TLS with these files.
fn tls(credentials: &Credentials) -> Result<Value, SecurityError> {
    let text = |path: &Path| {
        path.to_str()
            .map(str::to_owned)
            .ok_or_else(|| SecurityError::file(path, &"its path is not UTF-8; move it"))
    };
    let certificate = text(&credentials.certificate)?;
    let key = text(&credentials.key)?;
    Ok(json!({
        "root_ca_certificate": text(&credentials.authority)?,
        "enable_mtls": true,
        "verify_name_on_connect": true,
        "close_link_on_expiration": true,
        "listen_certificate": certificate,
        "listen_private_key": key,
        "connect_certificate": certificate,
        "connect_private_key": key,
    }))
}
