//! The session with a node: keys subscribed to, and questions asked.

use super::settings::Settings;
use apprentice_link::LinkError;
use apprentice_link::error::zenoh_message;
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::{CongestionControl, Priority};
use zenoh::{Config, Session, Wait as _};

/// The longest JSON that is read, bytes.
const LONGEST_JSON: usize = 1 << 16;

/// What the node can be asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Make us the holder.
    Acquire,
    /// Let the arm go.
    Release,
    /// Begin to follow targets.
    Enable,
    /// Come to rest, and follow no more targets.
    Stop,
    /// Clear the arm's errors.
    Recover,
    /// Go to the ready pose.
    Home,
    /// Find the gripper's zero.
    GripperHome,
    /// Stop the gripper.
    GripperStop,
}

impl Verb {
    /// The last part of its key.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Release => "release",
            Self::Enable => "enable",
            Self::Stop => "stop",
            Self::Recover => "recover",
            Self::Home => "home",
            Self::GripperHome => "gripper_home",
            Self::GripperStop => "gripper_stop",
        }
    }

    /// How long the node may take: a stop settles for up to 5 s, homing ends after 60 s, a gripper's
    /// after 30 s (its README).
    fn patience(self) -> Duration {
        Duration::from_secs(match self {
            Self::Home => 65,
            Self::GripperHome => 35,
            _ => 10,
        })
    }
}

/// A question in JSON; what is not set is not sent, unknown keys are refused by the node.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Request {
    /// Who asks.
    pub client_id: u32,
    /// `joints` or `cartesian`, of [`Verb::Enable`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<&'static str>,
    /// Share of the joint limits, 0.05 to 0.5, of [`Verb::Home`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
}

#[derive(Deserialize)]
struct Reply {
    ok: bool,
    #[serde(default)]
    error: Option<String>,
}

/// Our place among peers: connects to `endpoint`, as far as `security` (or a configuration of zenoh's own that
/// `zenoh_config` names) allows it, listens nowhere, looks for nobody else. The other side
/// hears within a second that we are gone.
pub(super) fn open(
    endpoint: &str,
    settings: &Settings,
    security: &Security,
    timeout: Duration,
) -> Result<Session, LinkError> {
    let failed = |reason: String| LinkError::Session {
        endpoint: endpoint.into(),
        reason,
    };
    let mut config = match &settings.zenoh_config {
        Some(file) => {
            Config::from_file(file).map_err(|e| failed(format!("{}: {e}", file.display())))?
        }
        None => Participant {
            role: Role::Guest,
            connection: Connection::Join,
            robot: "",
            endpoint,
        }
        .config(security, timeout)?,
    };
    for (key, value) in [
        ("mode", "\"peer\"".to_owned()),
        ("scouting/multicast/enabled", "false".to_owned()),
        ("scouting/gossip/enabled", "false".to_owned()),
        ("listen/endpoints", "[]".to_owned()),
        ("connect/endpoints", format!("[{endpoint:?}]")),
        ("connect/timeout_ms", timeout.as_millis().to_string()),
        ("connect/exit_on_failure", "true".to_owned()),
        (
            "connect/retry",
            "{ period_init_ms: 100, period_max_ms: 500 }".to_owned(),
        ),
        ("transport/link/tx/lease", "1000".to_owned()),
        ("transport/link/tx/keep_alive", "4".to_owned()),
    ] {
        config
            .insert_json5(key, &value)
            .map_err(|e| failed(format!("{key}: {e}")))?;
    }
    zenoh::open(config)
        .wait()
        .map_err(|e| failed(zenoh_message(&e)))
}

/// A key that cannot be used.
pub(super) fn unusable(key: &str, reason: impl std::fmt::Display) -> LinkError {
    LinkError::Key {
        key: key.into(),
        reason: zenoh_message(&reason),
    }
}

/// A publisher that loses nothing on the way and waits for no others.
pub(super) fn publisher(session: &Session, key: &str) -> Result<Publisher<'static>, LinkError> {
    session
        .declare_publisher(key.to_owned())
        .congestion_control(CongestionControl::Block)
        .priority(Priority::RealTime)
        .express(true)
        .wait()
        .map_err(|e| unusable(key, e))
}

/// Hands messages on `key` to `read`; of those longer than `longest` bytes only the length.
pub(super) fn subscribe(
    session: &Session,
    key: &str,
    longest: usize,
    read: impl Fn(Result<&[u8], usize>) + Send + Sync + 'static,
) -> Result<Subscriber<()>, LinkError> {
    session
        .declare_subscriber(key.to_owned())
        .callback(move |sample| {
            let bytes = sample.payload().len();
            if bytes > longest {
                read(Err(bytes));
            } else {
                read(Ok(&sample.payload().to_bytes()));
            }
        })
        .wait()
        .map_err(|e| unusable(key, e))
}

/// Asks the node, and answers why it says no where it does.
pub(super) fn ask(
    session: &Session,
    settings: &Settings,
    robot: &str,
    verb: Verb,
    request: &Request,
) -> Result<Result<(), String>, LinkError> {
    let key = settings.key(&format!("cmd/{}", verb.name()));
    let patience = verb.patience();
    let text = serde_json::to_string(request).map_err(|e| unusable(&key, e))?;
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let replies = session
            .get(&key)
            .payload(text.clone())
            .timeout(left.max(Duration::from_millis(1)))
            .wait()
            .map_err(|e| unusable(&key, e))?;
        if let Ok(reply) = replies.recv() {
            let (payload, said_no) = match reply.result() {
                Ok(sample) => (sample.payload(), false),
                Err(error) => (error.payload(), true),
            };
            let bad = |reason: String| LinkError::Message {
                key: key.clone(),
                bytes: payload.len(),
                reason,
            };
            if payload.len() > LONGEST_JSON {
                return Err(bad(format!("an answer has at most {LONGEST_JSON} bytes")));
            }
            let bytes = payload.to_bytes();
            if said_no {
                return Ok(Err(String::from_utf8_lossy(&bytes).into_owned()));
            }
            let reply: Reply = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
            return Ok(match (reply.ok, reply.error) {
                (true, _) => Ok(()),
                (false, Some(error)) => Err(error),
                (false, None) => Err("it gives no reason".into()),
            });
        }
        // Right after connecting, the node's declarations may still be on their way.
        if Instant::now() + Duration::from_millis(20) > deadline {
            return Err(LinkError::Silent {
                robot: robot.into(),
                key,
                timeout_ms: patience.as_millis() as u64,
            });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What the node says of all its arms, once a second. Keys a later version adds are passed over.
#[derive(Clone, Debug, Deserialize)]
pub struct NodeStatus {
    /// What the node is called.
    pub node: String,
    /// Version of franka-node.
    pub version: String,
    /// Seconds since it began.
    pub uptime_s: u64,
    /// Its arms.
    pub arms: Vec<ArmStatus>,
}

/// One arm in a [`NodeStatus`].
#[derive(Clone, Debug, Deserialize)]
pub struct ArmStatus {
    /// What it is called.
    pub name: String,
    /// [`super::wire::Phase`] by name.
    pub phase: String,
    /// Who holds its lease; 0 for nobody.
    pub holder: u32,
    /// Targets accepted since the session began.
    pub accepted: u64,
    /// Targets and gripper commands refused since the session began.
    pub refused: u64,
    /// Targets overtaken by newer ones since the session began.
    pub dropped: u64,
    /// Messages that were no targets, since the node began.
    pub decode_failures: u64,
    /// Id of the session that began last.
    #[serde(default)]
    pub episode: Option<String>,
}

/// Begin or end of a session, as the node tells recorders.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EpisodeMarker {
    /// Which arm.
    pub arm: String,
    /// The session's id.
    pub recording_id: String,
    /// The node's monotonic clock, nanoseconds.
    pub t_node_ns: u64,
    /// `start` or `end`.
    pub phase: String,
}

/// Reads JSON the node publishes; what cannot be read is logged.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(
    key: &str,
    message: Result<&[u8], usize>,
) -> Option<T> {
    let read = match message {
        Ok(bytes) => serde_json::from_slice(bytes).map_err(|e| e.to_string()),
        Err(bytes) => Err(format!("{bytes} bytes, allowed: {LONGEST_JSON}")),
    };
    read.map_err(|e| tracing::warn!("a message on {key} cannot be used: {e}"))
        .ok()
}

/// Subscribes to JSON.
pub(super) fn subscribe_json<T: serde::de::DeserializeOwned>(
    session: &Session,
    key: &str,
    take: impl Fn(T) + Send + Sync + 'static,
) -> Result<Subscriber<()>, LinkError> {
    let named = key.to_owned();
    subscribe(session, key, LONGEST_JSON, move |message| {
        if let Some(read) = read_json(&named, message) {
            take(read);
        }
    })
}
