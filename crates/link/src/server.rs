//! The robot's side of the link: publishes what it feels and sees, obeys the newest command.

use crate::wire::{self, AdvanceRequest, TickReply};
use crate::{LinkError, keys::Keys, session};
use apprentice_core::{CameraFrame, JointCommand, RobotState};
use apprentice_robot::RobotDescription;
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::CongestionControl;
use zenoh::query::{Query, Queryable};
use zenoh::{Session, Wait as _};

/// Requests that may wait; more are refused.
const WAITING: usize = 16;
/// The longest request that is read, bytes; a clock request has 25.
const LONGEST_REQUEST: usize = 64;

/// Publishes a robot's state and frames and collects its commands.
pub struct RobotServer {
    endpoint: String,
    state: Publisher<'static>,
    cameras: Vec<Publisher<'static>>,
    command: Arc<Mutex<Option<JointCommand>>>,
    requests: Receiver<ServerRequest>,
    _commands: Subscriber<()>,
    _queries: Vec<Queryable<()>>,
    _session: Session,
}

/// Makes a request of a message.
type ReadRequest = fn(&[u8]) -> Result<Asked, wire::Problem>;

/// What a message asks for.
enum Asked {
    Advance(AdvanceRequest),
    Reset(u64),
}

/// Something a robot is asked to do.
pub enum ServerRequest {
    /// Let time pass (lockstep), then publish state and, when wanted, frames.
    Advance(AdvanceRequest, Reply),
    /// Set up a new scene from this seed, then publish state and frames.
    Reset(u64, Reply),
}

/// How a request is answered.
pub struct Reply {
    query: Query,
}

impl Reply {
    /// Says what was published.
    pub fn done(self, reply: &TickReply) {
        let key = self.query.key_expr().clone();
        if let Err(e) = self.query.reply(key, wire::encode_reply(reply)).wait() {
            tracing::warn!("a reply could not be sent: {e}");
        }
    }

    /// Says why not.
    pub fn refuse(self, reason: &str) {
        if let Err(e) = self.query.reply_err(reason.to_owned()).wait() {
            tracing::warn!("a refusal could not be sent: {e}");
        }
    }
}

impl RobotServer {
    /// Starts serving `description` at `listen` (such as `tcp/127.0.0.1:7447`), or at a free loopback
    /// port. `lockstep` says whether the robot's clock can be asked for the next tick.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn open(
        description: &RobotDescription,
        listen: Option<&str>,
        lockstep: bool,
    ) -> Result<Self, LinkError> {
        let endpoint = match listen {
            Some(endpoint) => endpoint.to_owned(),
            None => free_endpoint()?,
        };
        let session = session::open(true, &endpoint, Duration::from_secs(5))?;
        let keys = Keys::new(&description.name);
        let publisher = |key: String| {
            let failed = key.clone();
            session
                .declare_publisher(key)
                .congestion_control(CongestionControl::Block)
                .express(true)
                .wait()
                .map_err(|e| key_error(&failed, &e))
        };
        let state = publisher(keys.state())?;
        let cameras = description
            .cameras
            .iter()
            .map(|c| publisher(keys.camera(&c.name)))
            .collect::<Result<_, _>>()?;
        let command = Arc::new(Mutex::new(None));
        let newest = Arc::clone(&command);
        let commands = session
            .declare_subscriber(keys.command())
            .callback(
                move |sample| match wire::decode_command(&sample.payload().to_bytes()) {
                    Ok(command) => {
                        *newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(command)
                    }
                    Err(problem) => tracing::warn!("a command was not understood: {problem}"),
                },
            )
            .wait()
            .map_err(|e| key_error(&keys.command(), &e))?;
        let (sender, requests) = sync_channel(WAITING);
        let text = description.to_toml()?;
        let mut queries = vec![
            session
                .declare_queryable(keys.describe())
                .callback(move |query| {
                    let key = query.key_expr().clone();
                    let mode = if lockstep { "lockstep" } else { "real_time" };
                    if let Err(e) = query.reply(key, text.clone()).attachment(mode).wait() {
                        tracing::warn!("the description could not be sent: {e}");
                    }
                })
                .wait()
                .map_err(|e| key_error(&keys.describe(), &e))?,
        ];
        let ask = |key: String, read: ReadRequest| {
            let sender = sender.clone();
            let failed = key.clone();
            session
                .declare_queryable(key)
                .callback(move |query| pass_on(query, read, &sender))
                .wait()
                .map_err(|e| key_error(&failed, &e))
        };
        if lockstep {
            queries.push(ask(keys.clock(), |bytes| {
                wire::decode_advance(bytes).map(Asked::Advance)
            })?);
        }
        queries.push(ask(keys.reset(), |bytes| {
            wire::decode_reset(bytes).map(Asked::Reset)
        })?);
        Ok(Self {
            endpoint,
            state,
            cameras,
            command,
            requests,
            _commands: commands,
            _queries: queries,
            _session: session,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Publishes the joints.
    ///
    /// # Errors
    /// When the session is gone.
    pub fn publish_state(&self, state: &RobotState) -> Result<(), LinkError> {
        self.state
            .put(wire::encode_state(state))
            .wait()
            .map_err(|e| key_error(self.state.key_expr(), &e))
    }

    /// Publishes a frame of the camera at `index` of the description.
    ///
    /// # Errors
    /// When the session is gone; a camera that is not described is ignored.
    pub fn publish_frame(&self, index: usize, frame: &CameraFrame) -> Result<(), LinkError> {
        match self.cameras.get(index) {
            Some(camera) => camera
                .put(wire::encode_frame(frame))
                .wait()
                .map_err(|e| key_error(camera.key_expr(), &e)),
            None => Ok(()),
        }
    }

    /// The newest command, once: `None` until another one comes.
    #[must_use]
    pub fn latest_command(&self) -> Option<JointCommand> {
        self.command
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// The next request, or `None` when none comes in time.
    #[must_use]
    pub fn next_request(&self, timeout: Duration) -> Option<ServerRequest> {
        self.requests.recv_timeout(timeout).ok()
    }
}

fn pass_on(query: Query, read: ReadRequest, sender: &SyncSender<ServerRequest>) {
    let long = query.payload().is_some_and(|p| p.len() > LONGEST_REQUEST);
    let bytes = match query.payload() {
        Some(payload) if !long => payload.to_bytes().to_vec(),
        _ => Vec::new(),
    };
    let reply = Reply { query };
    if long {
        return reply.refuse("it is longer than any request");
    }
    let request = match read(&bytes) {
        Ok(Asked::Advance(asked)) => ServerRequest::Advance(asked, reply),
        Ok(Asked::Reset(seed)) => ServerRequest::Reset(seed, reply),
        Err(problem) => return reply.refuse(problem),
    };
    if let Err(TrySendError::Full(request) | TrySendError::Disconnected(request)) =
        sender.try_send(request)
    {
        let (ServerRequest::Advance(_, reply) | ServerRequest::Reset(_, reply)) = request;
        reply.refuse("too many requests are waiting");
    }
}

fn key_error(key: &str, error: &zenoh::Error) -> LinkError {
    LinkError::Key {
        key: key.to_owned(),
        reason: error.to_string(),
    }
}

/// A loopback address that is free now.
fn free_endpoint() -> Result<String, LinkError> {
    let failed = |e: std::io::Error| LinkError::Session {
        endpoint: "tcp/127.0.0.1:0".into(),
        reason: e.to_string(),
    };
    let probe = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    let address = probe.local_addr().map_err(failed)?;
    Ok(format!("tcp/{address}"))
}
