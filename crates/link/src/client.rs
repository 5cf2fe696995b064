//! Our side of the link: owns and commands a robot, and knows the newest of what it publishes.

use crate::security::{Role, Security};
use crate::session::{Participant, Place};
use crate::wire::{self, AdvanceRequest, Chunk, Status, TickReply};
use crate::{Arm, Freshness, Inbox, LinkError, TakeoverInbox, keys::Keys};
use apprentice_core::{JointCommand, Observation};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Denial, Phase, Service};
use std::borrow::Cow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use zenoh::bytes::ZBytes;
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::{CongestionControl, Priority};
use zenoh::{Session, Wait as _};

/// How long a robot may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read, bytes.
const LONGEST_ANSWER: usize = 1 << 20;

/// How long the robot's state and its word about who owns it may take to come, when it is engaged.
const READY: Duration = Duration::from_secs(1);

/// A connection to one robot.
pub struct RobotLink {
    description: RobotDescription,
    keys: Keys,
    lockstep: bool,
    inbox: Arc<Inbox>,
    standing: Arc<Standing>,
    command: Publisher<'static>,
    chunk: Publisher<'static>,
    client: u32,
    lease: Option<LivelinessToken>,
    sent: u64,
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
        let session = Participant {
            role,
            place: Place::Join,
            robot,
            endpoint,
        }
        .open(security, timeout)?;
        let keys = Keys::new(robot);
        let (text, mode) = ask(&session, robot, &keys.describe(), Vec::new(), timeout)?;
        let text = String::from_utf8(text).map_err(|e| LinkError::Message {
            key: keys.describe(),
            bytes: e.as_bytes().len(),
            reason: "it is not text".into(),
        })?;
        let description =
            RobotDescription::parse(&text, &format!("of robot {robot} at {endpoint}"))?;
        let inbox = Arc::new(Inbox::new(&description, &keys.state(), |camera| {
            keys.camera(camera)
        }));
        let standing = Arc::new(Standing::default());
        let lockstep = mode.as_deref() == Some(b"lockstep");
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
                .map_err(|e| LinkError::Key {
                    key,
                    reason: e.to_string(),
                })
        };
        Ok(Self {
            command: publisher(keys.command())?,
            chunk: publisher(keys.chunk())?,
            _subscribers: subscribe_all(&session, &keys, &description, &inbox, &standing)?,
            client: client_of(&session),
            description,
            keys,
            lockstep,
            inbox,
            standing,
            lease: None,
            sent: 0,
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
        self.standing.status()
    }

    /// Listens to operators' devices on the same session.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn takeover(&self) -> Result<TakeoverInbox, LinkError> {
        TakeoverInbox::open(&self.session, &self.description.name)
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

    /// Asks the arm for a service, under this connection's number.
    ///
    /// # Errors
    /// Why it is refused, or that no answer came.
    pub fn serve(&self, service: Service) -> Result<Phase, LinkError> {
        self.serve_within(service, PATIENCE)
    }

    fn serve_within(&self, service: Service, patience: Duration) -> Result<Phase, LinkError> {
        let key = self.keys.service(service);
        let (bytes, _) = ask(
            &self.session,
            &self.description.name,
            &key,
            wire::encode_request(self.client),
            patience,
        )?;
        wire::decode_granted(&bytes).map_err(|problem| LinkError::Message {
            key,
            bytes: bytes.len(),
            reason: problem.into(),
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
            .map_err(|e| LinkError::Key {
                key: self.keys.chunk(),
                reason: e.to_string(),
            })
    }

    /// Refuses to go on where commands would reach nobody or nothing would come back: zenoh connects
    /// peers that cannot hear each other without a word.
    fn check_reach(&self) -> Result<(), LinkError> {
        let nobody = |what: &str| LinkError::Unreachable {
            robot: self.description.name.clone(),
            what: what.into(),
            waited_ms: READY.as_millis() as u64,
        };
        let deadline = Instant::now() + READY;
        let hears = || {
            let status = self.command.matching_status().wait();
            status.is_ok_and(|s| s.matching())
        };
        while !hears() {
            if Instant::now() > deadline {
                return Err(nobody("nobody receives its commands"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        if self.lockstep {
            return Ok(());
        }
        let within = Freshness {
            state: READY,
            frame: READY,
        };
        match self.inbox.latest(false, within) {
            Ok(_) => Ok(()),
            Err(LinkError::Silent { .. } | LinkError::Stale { .. }) => {
                Err(nobody("none of its joint states arrive"))
            }
            Err(other) => Err(other),
        }
    }

    /// Acquires the arm; its side may not have seen our lease yet.
    fn acquire(&self) -> Result<(), LinkError> {
        let deadline = Instant::now() + READY;
        loop {
            match self.serve(Service::Acquire) {
                Err(LinkError::Refused { reason, .. })
                    if reason.starts_with(Denial::NoLease.name()) && Instant::now() < deadline =>
                {
                    std::thread::sleep(Duration::from_millis(5));
                }
                answer => return answer.map(|_| ()),
            }
        }
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
        let action = wire::decode_action(&bytes).map_err(|p| refuse(p.into()))?;
        let wanted = self.description.action_dim();
        if action.len() != wanted {
            return Err(refuse(format!(
                "it has {} numbers, an action of {robot} has {wanted}",
                action.len()
            )));
        }
        Ok(action)
    }

    fn tick(&self, key: &str, request: Vec<u8>) -> Result<Observation, LinkError> {
        let (bytes, _) = ask(
            &self.session,
            &self.description.name,
            key,
            request,
            PATIENCE,
        )?;
        let reply: TickReply =
            wire::decode_reply(&bytes).map_err(|problem| LinkError::Message {
                key: key.into(),
                bytes: bytes.len(),
                reason: problem.into(),
            })?;
        self.inbox
            .since(reply.state_sequence, &reply.frame_sequences, PATIENCE)
    }
}

impl Arm for RobotLink {
    fn description(&self) -> &RobotDescription {
        &self.description
    }

    fn is_lockstep(&self) -> bool {
        self.lockstep
    }

    fn engage(&mut self) -> Result<(), LinkError> {
        self.check_reach()?;
        if self.lease.is_none() {
            let key = self.keys.lease(self.client);
            let token = self.session.liveliness().declare_token(key.clone());
            self.lease = Some(token.wait().map_err(|e| LinkError::Key {
                key,
                reason: e.to_string(),
            })?);
        }
        let engaged = self
            .acquire()
            .and_then(|()| self.serve(Service::Enable))
            .and_then(|_| {
                let ours = |s: &Status| s.phase == Phase::Active && s.owner == self.client;
                if self.standing.wait(READY, ours) {
                    Ok(())
                } else {
                    Err(self.lost())
                }
            });
        if engaged.is_err() {
            self.lease = None;
        }
        engaged
    }

    fn disengage(&mut self) -> Result<(), LinkError> {
        if self.lease.is_none() {
            return Ok(());
        }
        // Without its lease the arm is free even if it is not asked.
        let released = self.serve_within(Service::Release, READY);
        self.lease = None;
        released.map(|_| ())
    }

    fn send(&mut self, command: &JointCommand) -> Result<(), LinkError> {
        let mine =
            |s: Status| s.owner == self.client && matches!(s.phase, Phase::Active | Phase::Holding);
        if self.lease.is_some() && !self.standing.status().is_some_and(mine) {
            return Err(self.lost());
        }
        self.sent = command.sequence;
        self.command
            .put(wire::encode_command(self.client, command))
            .wait()
            .map_err(|e| LinkError::Key {
                key: self.keys.command(),
                reason: e.to_string(),
            })
    }

    fn latest(&self, want_frames: bool, within: Freshness) -> Result<Observation, LinkError> {
        self.inbox.latest(want_frames, within)
    }

    fn advance(&mut self, duration_ns: u64, want_frames: bool) -> Result<Observation, LinkError> {
        let request = AdvanceRequest {
            duration_ns,
            command_sequence: self.sent,
            want_frames,
        };
        self.tick(&self.keys.clock(), wire::encode_advance(&request))
    }

    fn sets_up_scenes(&self) -> bool {
        true
    }

    fn reset(&mut self, seed: u64) -> Result<Observation, LinkError> {
        self.tick(&self.keys.reset(), wire::encode_reset(seed))
    }
}

impl RobotLink {
    /// The arm does not obey us any more; why, as far as it said.
    fn lost(&self) -> LinkError {
        let said = match (self.standing.status(), self.standing.event()) {
            (_, Some(event)) => event,
            (Some(status), None) => status.phase.name().into(),
            (None, None) => "it has not said how it stands".into(),
        };
        LinkError::ControlLost {
            robot: self.description.name.clone(),
            said,
        }
    }
}

/// How the arm says it stands.
#[derive(Default)]
struct Standing {
    said: Mutex<(Option<Status>, Option<String>)>,
    changed: Condvar,
}

impl Standing {
    fn said(&self) -> MutexGuard<'_, (Option<Status>, Option<String>)> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn status(&self) -> Option<Status> {
        self.said().0
    }

    fn event(&self) -> Option<String> {
        self.said().1.clone()
    }

    fn wait(&self, patience: Duration, until: impl Fn(&Status) -> bool) -> bool {
        let waiting =
            |said: &mut (Option<Status>, Option<String>)| !said.0.as_ref().is_some_and(&until);
        let said = self
            .changed
            .wait_timeout_while(self.said(), patience, waiting);
        !said.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn hear_status(&self, bytes: &[u8]) {
        match wire::decode_status(bytes) {
            Ok(status) => self.said().0 = Some(status),
            Err(problem) => tracing::warn!("a status cannot be used: {problem}"),
        }
        self.changed.notify_all();
    }

    fn hear_event(&self, bytes: &[u8]) {
        match wire::decode_event(bytes) {
            Ok(event) => self.said().1 = Some(event.what),
            Err(problem) => tracing::warn!("an event cannot be used: {problem}"),
        }
    }
}

/// A number for this session: others' differ, but for one in four thousand million.
fn client_of(session: &Session) -> u32 {
    let id = session.zid().to_le_bytes();
    let fold =
        |number: u32, byte: &u8| number.rotate_left(5).wrapping_mul(0x0100_0193) ^ u32::from(*byte);
    id.iter().fold(0x811c_9dc5, fold).max(1)
}

/// Everything the robot publishes.
fn subscribe_all(
    session: &Session,
    keys: &Keys,
    description: &RobotDescription,
    inbox: &Arc<Inbox>,
    standing: &Arc<Standing>,
) -> Result<Vec<Subscriber<()>>, LinkError> {
    let to = Arc::clone(inbox);
    let mut subscribers = vec![subscribe(session, keys.state(), move |bytes| {
        let state = wire::decode_state(&bytes).map_err(str::to_owned);
        to.put_state(bytes.len(), state);
    })?];
    for (index, camera) in description.cameras.iter().enumerate() {
        let to = Arc::clone(inbox);
        let expected = wire::frame_bytes(camera.width, camera.height);
        subscribers.push(listen(
            session,
            keys.camera(&camera.name),
            move |payload| {
                // Only one of the right size is copied.
                let length = payload.len();
                let frame = if length == expected {
                    wire::join_frame(payload.slices(), length, to.spare(index))
                        .map_err(str::to_owned)
                } else {
                    Err(format!("a frame of this camera has {expected} bytes"))
                };
                to.put_frame(index, length, frame);
            },
        )?);
    }
    let to = Arc::clone(standing);
    subscribers.push(subscribe(session, keys.event(), move |b| {
        to.hear_event(&b)
    })?);
    let to = Arc::clone(standing);
    subscribers.push(subscribe(session, keys.status(), move |b| {
        to.hear_status(&b)
    })?);
    Ok(subscribers)
}

/// Hands the bytes of what comes on `key` to `read`.
fn subscribe(
    session: &Session,
    key: String,
    read: impl Fn(Cow<'_, [u8]>) + Send + Sync + 'static,
) -> Result<Subscriber<()>, LinkError> {
    listen(session, key, move |payload| read(payload.to_bytes()))
}

/// Hands what comes on `key` to `read`.
fn listen(
    session: &Session,
    key: String,
    read: impl Fn(&ZBytes) + Send + Sync + 'static,
) -> Result<Subscriber<()>, LinkError> {
    session
        .declare_subscriber(key.clone())
        .callback(move |sample| read(sample.payload()))
        .wait()
        .map_err(|e| LinkError::Key {
            key,
            reason: e.to_string(),
        })
}

/// A question and its answer, with the answer's attachment.
type Answer = (Vec<u8>, Option<Vec<u8>>);

fn ask(
    session: &Session,
    robot: &str,
    key: &str,
    payload: Vec<u8>,
    timeout: Duration,
) -> Result<Answer, LinkError> {
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let replies = session
            .get(key)
            .payload(payload.clone())
            .timeout(left.max(Duration::from_millis(1)))
            .wait()
            .map_err(|e| LinkError::Key {
                key: key.into(),
                reason: e.to_string(),
            })?;
        if let Ok(reply) = replies.recv() {
            return match reply.result() {
                Ok(sample) if sample.payload().len() > LONGEST_ANSWER => Err(LinkError::Message {
                    key: key.into(),
                    bytes: sample.payload().len(),
                    reason: format!("an answer has at most {LONGEST_ANSWER} bytes"),
                }),
                Ok(sample) => Ok((
                    sample.payload().to_bytes().to_vec(),
                    sample.attachment().map(|a| a.to_bytes().to_vec()),
                )),
                Err(refusal) => Err(LinkError::Refused {
                    robot: robot.into(),
                    key: key.into(),
                    reason: String::from_utf8_lossy(&refusal.payload().to_bytes()).into_owned(),
                }),
            };
        }
        // Right after connecting, the other side's declarations may still be on their way.
        if Instant::now() + Duration::from_millis(20) > deadline {
            return Err(LinkError::Silent {
                robot: robot.into(),
                key: key.into(),
                timeout_ms: timeout.as_millis() as u64,
            });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
