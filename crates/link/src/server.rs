//! The robot's side of the link: publishes what it feels and sees, obeys what its gate lets through.

mod requests;
mod shared_endpoint;
mod verdicts;

pub(crate) use requests::describe;
pub use requests::{Reply, ServerRequest};

use crate::command_endpoint::CommandEndpoint;
use crate::due::Due;
use crate::error::key_error;
use crate::keys::{ClientMessage, Keys};
use crate::security::{Role, Security};
use crate::session::{Connection, Participant, free_port};
use crate::tokens::TokenSearch;
use crate::wire::{self, Status};
use crate::{EpisodeVerdict, LinkError};
use apprentice_core::{CameraFrame, RobotState};
use apprentice_robot::RobotDescription;
use apprentice_safety::{GateConfig, Service};
use requests::{Asked, answer, pass_on};
use serde_json::json;
use shared_endpoint::SharedEndpoint;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use verdicts::Verdicts;
use zenoh::internal::buffers::{ZBuf, ZSlice};
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::{CongestionControl, Priority};
use zenoh::query::Queryable;
use zenoh::sample::SampleKind;
use zenoh::{Session, Wait as _};

/// How long a router may take to be there.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a robot in real time waits for a peer that takes nothing any more, microseconds; then it is cut off.
/// zenoh waits for one such peer after the other on the thread that receives, a `stop` too.
const SEND_PATIENCE: (&str, u32) = (
    "transport/link/tx/queue/congestion_control/block/wait_before_close",
    50_000,
);
/// Requests that may wait; more are refused.
const WAITING: usize = 16;

/// Publishes a robot's state and frames and obeys the one who owns it.
pub struct RobotServer {
    endpoint: String,
    shared: Arc<SharedEndpoint>,
    state: Publisher<'static>,
    cameras: Vec<Publisher<'static>>,
    requests: Receiver<ServerRequest>,
    _subscribers: Vec<Subscriber<()>>,
    _queries: Vec<Queryable<()>>,
    verdicts: Option<Verdicts>,
    _alive: LivelinessToken,
    session: Session,
}

impl RobotServer {
    /// Starts serving `description` on this machine at `listen` (such as `tcp/127.0.0.1:7447`), or at a free
    /// loopback port. `lockstep` says whether the robot's clock can be asked for the next tick.
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
        let address = (Connection::Listen, endpoint.as_str());
        Self::serve(description, address, &Security::LoopbackOnly, lockstep)
    }

    /// Starts serving `description` where others connect to, or connected to a router, with or without keys.
    ///
    /// # Errors
    /// When `security` does not allow it, the address cannot be used or no router is there.
    pub fn serve(
        description: &RobotDescription,
        (connection, endpoint): (Connection, &str),
        security: &Security,
        lockstep: bool,
    ) -> Result<Self, LinkError> {
        let mut settings = Vec::new();
        if !lockstep {
            settings.push((SEND_PATIENCE.0, json!(SEND_PATIENCE.1)));
        }
        let session = Participant {
            role: Role::Robot,
            connection,
            robot: &description.name,
            endpoint,
        }
        .open_with(security, PATIENCE, &settings)?;
        let keys = Keys::new(&description.name);
        // In lockstep whoever asks for time waits for what was sent; otherwise the next message is better
        // than an old one.
        let congestion = if lockstep {
            CongestionControl::Block
        } else {
            CongestionControl::Drop
        };
        let publisher = |key: String, priority: Priority| {
            let failed = key.clone();
            session
                .declare_publisher(key)
                .congestion_control(congestion)
                .priority(priority)
                .express(true)
                .wait()
                .map_err(|e| key_error(&failed, &e))
        };
        let state = publisher(keys.state(), Priority::RealTime)?;
        let cameras = description
            .cameras
            .iter()
            .map(|c| publisher(keys.camera(&c.name), Priority::Data))
            .collect::<Result<_, _>>()?;
        let shared = Arc::new(SharedEndpoint {
            endpoint: Mutex::new(
                CommandEndpoint::new(description, GateConfig::of(description), lockstep).map_err(
                    |e| LinkError::Refused {
                        robot: description.name.clone(),
                        key: "its description".into(),
                        reason: e.to_string(),
                    },
                )?,
            ),
            publish_order: Mutex::new(()),
            arrived: Condvar::new(),
            keys: keys.clone(),
            leases: TokenSearch::new(&session, &keys, ClientMessage::Lease),
            status: publisher(keys.status(), Priority::DataHigh)?,
            event: publisher(keys.event(), Priority::DataHigh)?,
        });
        let (sender, requests) = sync_channel(WAITING);
        let mut queries = vec![describe(&session, &keys, description, lockstep)?];
        for service in Service::ALL {
            let shared = Arc::clone(&shared);
            let key = keys.all(ClientMessage::Service(service));
            queries.push(answer(&session, key, move |query| {
                shared.serve(service, &query)
            })?);
        }
        if lockstep {
            let sender = sender.clone();
            queries.push(answer(&session, keys.clock(), move |query| {
                pass_on(query, &sender, |_, bytes| {
                    wire::decode_advance(bytes)
                        .map(Asked::Advance)
                        .map_err(str::to_owned)
                });
            })?);
        }
        let to = Arc::clone(&shared);
        queries.push(answer(
            &session,
            keys.all(ClientMessage::Reset),
            move |query| {
                pass_on(query, &sender, |key, bytes| to.check_reset(key, bytes));
            },
        )?);
        let alive = session
            .liveliness()
            .declare_token(keys.alive())
            .wait()
            .map_err(|e| key_error(&keys.alive(), &e))?;
        Ok(Self {
            endpoint: endpoint.to_owned(),
            _subscribers: subscribe(&session, &keys, &shared)?,
            shared,
            state,
            cameras,
            requests,
            _queries: queries,
            verdicts: None,
            _alive: alive,
            session,
        })
    }

    /// Where it listens, or the router it is connected to.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Publishes the joints; what is commanded is judged by them.
    ///
    /// # Errors
    /// When the session is gone.
    pub fn publish_state(&self, state: &RobotState) -> Result<(), LinkError> {
        self.shared.endpoint().measure(state);
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
                .put(payload(frame))
                .wait()
                .map_err(|e| key_error(camera.key_expr(), &e)),
            None => Ok(()),
        }
    }

    /// What the robot should do now; to be asked once a control period. Notices silence, and publishes how
    /// the arm stands when that has changed or a second has passed.
    #[must_use]
    pub fn due(&self) -> Due {
        self.shared.act_and_publish(CommandEndpoint::due)
    }

    /// As [`Self::due`], as soon as a command that was not given before has come, and at the latest after
    /// `patience`: for robots that act at once instead of once a period.
    #[must_use]
    pub fn due_within(&self, patience: Duration) -> Due {
        let idle = |endpoint: &mut CommandEndpoint| !endpoint.has_command();
        drop(
            self.shared
                .arrived
                .wait_timeout_while(self.shared.endpoint(), patience, idle),
        );
        self.due()
    }

    /// Highest sequence number that came from the owner in a command or chunk, obeyed or not.
    #[must_use]
    pub fn newest_sequence(&self) -> u64 {
        self.shared.endpoint().newest_sequence()
    }

    /// How the arm stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.endpoint().status()
    }

    /// From now on says how episodes went, as [`Self::publish_verdict`] has it, to the runtime that asks.
    ///
    /// # Errors
    /// When the session is gone.
    pub fn answer_verdicts(&mut self) -> Result<(), LinkError> {
        self.verdicts = Some(Verdicts::serve(&self.session, &self.shared.keys)?);
        Ok(())
    }

    /// How the episode stands: what is answered until the next call. Does nothing for a robot that does not answer
    /// verdicts.
    ///
    /// # Errors
    /// When it is not one that can be sent.
    pub fn publish_verdict(&self, verdict: &EpisodeVerdict) -> Result<(), LinkError> {
        let Some(verdicts) = &self.verdicts else {
            return Ok(());
        };
        verdicts.set(verdict).map_err(|reason| LinkError::Message {
            key: self.shared.keys.verdict(),
            bytes: 0,
            reason,
        })
    }

    /// Whether it answers verdicts.
    #[must_use]
    pub fn answers_verdicts(&self) -> bool {
        self.verdicts.is_some()
    }

    /// The arm was set somewhere else, as a simulated one is for a new scene: `state` is where it is now.
    /// What was commanded before does not hold there.
    pub fn moved(&self, state: &RobotState) {
        self.shared.endpoint().moved(state);
    }

    /// The arm reports a fault, in one line.
    pub fn fault(&self, what: &str) {
        self.shared.act_and_publish(|endpoint| endpoint.fault(what));
    }

    /// The next request, or `None` when none comes in time. A new scene is the owner's to ask for, now: one that was
    /// asked for before a stop, or before the arm changed hands, is refused here.
    #[must_use]
    pub fn next_request(&self, timeout: Duration) -> Option<ServerRequest> {
        let request = self.requests.recv_timeout(timeout).ok()?;
        let ServerRequest::Reset(seed, reply) = request else {
            return Some(request);
        };
        let client = reply.client.unwrap_or(0);
        match self
            .shared
            .act_and_publish(|endpoint| endpoint.reset(client))
        {
            Ok(_) => Some(ServerRequest::Reset(seed, reply)),
            Err(reason) => {
                reply.refuse(&reason);
                None
            }
        }
    }
}

/// A frame's message around its pixels, which are not copied.
fn payload(frame: &CameraFrame) -> ZBuf {
    let mut message = ZBuf::default();
    message.push_zslice(ZSlice::from(wire::encode_frame_head(frame)));
    message.push_zslice(ZSlice::from(frame.image.shared()));
    message
}

/// Commands, chunks and leases.
fn subscribe(
    session: &Session,
    keys: &Keys,
    shared: &Arc<SharedEndpoint>,
) -> Result<Vec<Subscriber<()>>, LinkError> {
    let all = |sent: ClientMessage| keys.all(sent);
    let to = Arc::clone(shared);
    let commands = session
        .declare_subscriber(all(ClientMessage::Command))
        .callback(move |sample| {
            let from = to.keys.sender(ClientMessage::Command, sample.key_expr());
            to.endpoint().command(from, &sample.payload().to_bytes());
            to.arrived.notify_one();
        })
        .wait()
        .map_err(|e| key_error(&all(ClientMessage::Command), &e))?;
    let to = Arc::clone(shared);
    let chunks = session
        .declare_subscriber(all(ClientMessage::Chunk))
        .callback(move |sample| {
            let from = to.keys.sender(ClientMessage::Chunk, sample.key_expr());
            to.endpoint().chunk(from, &sample.payload().to_bytes());
        })
        .wait()
        .map_err(|e| key_error(&all(ClientMessage::Chunk), &e))?;
    let to = Arc::clone(shared);
    let leases = session
        .liveliness()
        .declare_subscriber(all(ClientMessage::Lease))
        .history(true)
        .callback(move |sample| {
            let alive = sample.kind() == SampleKind::Put;
            match to.keys.sender(ClientMessage::Lease, sample.key_expr()) {
                Some(client) => to.act_and_publish(|endpoint| endpoint.lease(client, alive)),
                None => to.endpoint().malformed(),
            }
        })
        .wait()
        .map_err(|e| key_error(&all(ClientMessage::Lease), &e))?;
    Ok(vec![commands, chunks, leases])
}

/// A loopback address that is free now.
fn free_endpoint() -> Result<String, LinkError> {
    let port = free_port().map_err(|e| LinkError::Session {
        endpoint: "tcp/127.0.0.1".into(),
        reason: format!("no free port: {e}"),
    })?;
    Ok(format!("tcp/127.0.0.1:{port}"))
}
