//! Our side of the link: owns and commands a robot, and knows the newest of what it publishes.

mod ownership;
mod query;
mod reported_status;
mod subscriptions;

use crate::error::key_error;
use crate::keys::{ClientMessage, Keys};
use crate::security::{Role, Security};
use crate::session::{Connection, Participant};
use crate::wire::{self, Chunk, Request, Status, TickReply};
use crate::{EpisodeVerdict, Inbox, LinkError, RejectedCounts};
use apprentice_core::Observation;
use apprentice_robot::RobotDescription;
use apprentice_safety::{Phase, Service};
use query::ask;
use reported_status::ReportedStatus;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use subscriptions::subscribe_all;
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::{CongestionControl, Priority};
use zenoh::{Session, Wait as _};

/// How long a robot may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a robot that says how episodes went may take to do so.
const VERDICT: Duration = Duration::from_secs(2);
/// How long it may take until what a robot in real time published of a new scene has come and is believed.
const SHOWN: Duration = Duration::from_secs(3);

/// A connection to one robot.
pub struct RobotLink {
    description: RobotDescription,
    keys: Keys,
    lockstep: bool,
    inbox: Arc<Inbox>,
    reported: Arc<ReportedStatus>,
    command: Publisher<'static>,
    chunk: Publisher<'static>,
    client: u32,
    /// The token of this side. It stays when the arm is given back: word of a token that goes and comes again
    /// may reach the robot after the arm was acquired anew.
    lease: Option<LivelinessToken>,
    /// Whether it has acquired the arm and not given it back.
    owns: bool,
    sent: u64,
    /// Whether it sets up scenes, once that was looked at.
    scenes: OnceLock<bool>,
    _subscribers: Vec<Subscriber<()>>,
    session: Session,
}

impl RobotLink {
    /// Connects to the robot called `robot` at `endpoint` of this machine (such as `tcp/127.0.0.1:7447`).
    ///
    /// # Errors
    /// When the endpoint leaves this machine, nothing listens there, or no robot of that name answers within
    /// `timeout`.
    pub fn connect(endpoint: &str, robot: &str, timeout: Duration) -> Result<Self, LinkError> {
        Self::connect_as(
            Role::Runtime,
            endpoint,
            robot,
            &Security::LoopbackOnly,
            timeout,
        )
    }

    /// Connects in a role, with or without keys, to the robot itself or to a router it is connected to.
    ///
    /// # Errors
    /// When `security` does not allow it, nothing listens there, or no robot of that name answers within
    /// `timeout`.
    pub fn connect_as(
        role: Role,
        endpoint: &str,
        robot: &str,
        security: &Security,
        timeout: Duration,
    ) -> Result<Self, LinkError> {
        let participant = Participant {
            role,
            connection: Connection::Join,
            robot,
            endpoint,
        };
        let session = participant.open(security, timeout)?;
        let client = participant.number(security, random_of(&session))?;
        let keys = Keys::new(robot);
        let (text, mode) = ask(&session, robot, &keys.describe(), Vec::new(), timeout)?;
        let text = String::from_utf8(text).map_err(|e| LinkError::Message {
            key: keys.describe(),
            bytes: e.as_bytes().len(),
            reason: "it is not text".into(),
        })?;
        let description =
            RobotDescription::parse(&text, &format!("of robot {robot} at {endpoint}"))?;
        let lockstep = mode.as_deref() == Some(b"lockstep");
        let inbox = Inbox::new(&description, &keys.state(), |camera| keys.camera(camera));
        let inbox = Arc::new(if lockstep { inbox.in_lockstep() } else { inbox });
        let reported = Arc::new(ReportedStatus::default());
        // In lockstep whoever asks for time waits for what was sent; otherwise a lost command is followed
        // by the next, and the control loop does not wait for a network that is full.
        let congestion = if lockstep {
            CongestionControl::Block
        } else {
            CongestionControl::Drop
        };
        let publisher = |key: String| {
            session
                .declare_publisher(key.clone())
                .congestion_control(congestion)
                .priority(Priority::RealTime)
                .express(true)
                .wait()
                .map_err(|e| key_error(&key, &e))
        };
        Ok(Self {
            command: publisher(keys.of(ClientMessage::Command, client))?,
            chunk: publisher(keys.of(ClientMessage::Chunk, client))?,
            _subscribers: subscribe_all(&session, &keys, &description, &inbox, &reported)?,
            client,
            description,
            keys,
            lockstep,
            inbox,
            reported,
            lease: None,
            owns: false,
            sent: 0,
            scenes: OnceLock::new(),
            session,
        })
    }

    /// Under which number it owns the arm.
    #[must_use]
    pub fn client(&self) -> u32 {
        self.client
    }

    /// How the arm says it stands, if it has said so since the connection was made.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.reported.status()
    }

    /// Messages of the robot that were left out, by reason: states that cannot be true, and what cannot be read.
    #[must_use]
    pub fn rejected(&self) -> RejectedCounts {
        self.inbox.rejected()
    }

    /// The state number `state` or a later one, and frames of at least these numbers: as many cameras as
    /// there are numbers. For those who wait for what comes next instead of looking at what came last.
    ///
    /// # Errors
    /// When they do not come within `patience`, or what came cannot be used.
    pub fn since(
        &self,
        state: u64,
        frames: &[u64],
        patience: Duration,
    ) -> Result<Observation, LinkError> {
        self.inbox.since(state, frames, patience)
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Asks the arm for a service, under this connection's number. `enable` lifts no stop that this side has
    /// not heard of.
    ///
    /// # Errors
    /// Why it is refused, or that no answer came.
    pub fn serve(&self, service: Service) -> Result<Phase, LinkError> {
        self.serve_within(service, PATIENCE)
    }

    /// As [`Self::serve`], as one who knows of so many stops: the status that a person looked at may be older than
    /// the newest.
    ///
    /// # Errors
    /// As [`Self::serve`].
    pub fn serve_knowing(&self, service: Service, stops: u64) -> Result<Phase, LinkError> {
        self.request(service, stops, PATIENCE)
    }

    fn serve_within(&self, service: Service, patience: Duration) -> Result<Phase, LinkError> {
        let stops = self.reported.status().map_or(0, |s| s.stops);
        self.request(service, stops, patience)
    }

    fn request(
        &self,
        service: Service,
        stops: u64,
        patience: Duration,
    ) -> Result<Phase, LinkError> {
        let key = self.keys.of(ClientMessage::Service(service), self.client);
        let (bytes, _) = ask(
            &self.session,
            &self.description.name,
            &key,
            wire::encode_request(Request {
                client: self.client,
                stops,
            }),
            patience,
        )?;
        wire::decode_granted(&bytes).map_err(|problem| LinkError::Message {
            key,
            bytes: bytes.len(),
            reason: format!("{problem}; this answer has {} bytes", wire::GRANTED_BYTES),
        })
    }

    /// Sends targets to come, as one message; the arm bridges silence with them no longer than with a
    /// single command.
    ///
    /// # Errors
    /// When the session is gone.
    pub fn send_chunk(&mut self, chunk: &Chunk) -> Result<(), LinkError> {
        self.sent = chunk.sequence;
        self.chunk
            .put(wire::encode_chunk(self.client, chunk))
            .wait()
            .map_err(|e| key_error(self.chunk.key_expr(), &e))
    }

    /// What the person at the robot's controls would do now: an action's numbers.
    ///
    /// # Errors
    /// When no control device answers, or not with an action of this robot.
    pub fn teleop(&self) -> Result<Vec<f32>, LinkError> {
        let key = self.keys.teleop();
        let robot = &self.description.name;
        let (bytes, _) = ask(&self.session, robot, &key, Vec::new(), PATIENCE)?;
        let refuse = |reason: String| LinkError::Message {
            key: key.clone(),
            bytes: bytes.len(),
            reason,
        };
        let wanted = self.description.action_dim();
        let expected = wire::action_bytes(wanted);
        let action = wire::decode_action(&bytes)
            .map_err(|p| refuse(format!("{p}; an action of {robot} has {expected} bytes")))?;
        if action.len() != wanted {
            return Err(refuse(format!(
                "it has {} numbers, an action of {robot} has {wanted} and {expected} bytes",
                action.len()
            )));
        }
        Ok(action)
    }

    /// What the robot says of the episode that has just ended.
    fn ask_verdict(&self) -> Result<EpisodeVerdict, LinkError> {
        let key = self.keys.verdict();
        let robot = &self.description.name;
        let (bytes, _) = ask(&self.session, robot, &key, Vec::new(), VERDICT)?;
        EpisodeVerdict::decode(&bytes).map_err(|reason| LinkError::Message {
            key,
            bytes: bytes.len(),
            reason,
        })
    }

    /// Asks for time to pass or a new scene. Answers which messages show it afterwards.
    fn tick(&self, key: &str, request: Vec<u8>) -> Result<TickReply, LinkError> {
        let robot = &self.description.name;
        let (bytes, _) = ask(&self.session, robot, key, request, PATIENCE)?;
        wire::decode_reply(&bytes).map_err(|problem| LinkError::Message {
            key: key.into(),
            bytes: bytes.len(),
            reason: format!(
                "{problem}; with the frames of {} cameras this answer has {} bytes, without frames {}",
                self.description.cameras.len(),
                wire::reply_bytes(self.description.cameras.len()),
                wire::reply_bytes(0)
            ),
        })
    }

    fn shown(&self, reply: &TickReply) -> Result<Observation, LinkError> {
        let frames = &reply.frame_sequences;
        let patience = if self.lockstep { PATIENCE } else { SHOWN };
        self.inbox.since(reply.state_sequence, frames, patience)
    }
}

/// Random bits of this session: others' differ, but for one in four thousand million.
fn random_of(session: &Session) -> u32 {
    let id = session.zid().to_le_bytes();
    let fold =
        |number: u32, byte: &u8| number.rotate_left(5).wrapping_mul(0x0100_0193) ^ u32::from(*byte);
    id.iter().fold(0x811c_9dc5, fold)
}
