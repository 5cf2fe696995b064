//! Our side of the link: commands a robot and knows the newest of what it publishes.

use crate::newest::{Newest, Numbered, Seen, Slot, Unread};
use crate::wire::{self, AdvanceRequest, TickReply};
use crate::{Camera, LinkError, RobotDescription, keys::Keys, session};
use apprentice_core::{CameraFrame, JointCommand, Observation, RobotState};
use std::sync::Arc;
use std::time::{Duration, Instant};
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::CongestionControl;
use zenoh::{Session, Wait as _};

/// How long a robot may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read, bytes.
const LONGEST_ANSWER: usize = 1 << 20;

/// A connection to one robot.
pub struct RobotLink {
    description: RobotDescription,
    keys: Keys,
    lockstep: bool,
    newest: Arc<Newest>,
    command: Publisher<'static>,
    sent: u64,
    _subscribers: Vec<Subscriber<()>>,
    session: Session,
}

/// How old the newest of what a robot in real time published may be when it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// Age of the joint state.
    pub state: Duration,
    /// Age of each camera's frame.
    pub frame: Duration,
}

impl RobotLink {
    /// Connects to the robot called `robot` at `endpoint` (such as `tcp/127.0.0.1:7447`).
    ///
    /// # Errors
    /// When nothing listens there, or no robot of that name answers within `timeout`.
    pub fn connect(endpoint: &str, robot: &str, timeout: Duration) -> Result<Self, LinkError> {
        let session = session::open(false, endpoint, timeout)?;
        let keys = Keys::new(robot);
        let (text, mode) = ask(&session, robot, &keys.describe(), Vec::new(), timeout)?;
        let text = String::from_utf8(text).map_err(|e| LinkError::Message {
            key: keys.describe(),
            bytes: e.as_bytes().len(),
            reason: "it is not text".into(),
        })?;
        let description =
            RobotDescription::parse(&text, &format!("of robot {robot} at {endpoint}"))?;
        let newest = Arc::new(Newest::of(description.cameras.len()));
        let joints = description.joints.len();
        let mut subscribers = vec![subscribe(
            &session,
            keys.state(),
            Arc::clone(&newest),
            move |bytes| state_of(bytes, joints),
            |seen| Some(&mut seen.state),
        )?];
        for (index, camera) in description.cameras.iter().enumerate() {
            let expected = camera.clone();
            subscribers.push(subscribe(
                &session,
                keys.camera(&camera.name),
                Arc::clone(&newest),
                move |bytes| frame_of(bytes, &expected),
                move |seen| seen.frames.get_mut(index),
            )?);
        }
        let command = session
            .declare_publisher(keys.command())
            .congestion_control(CongestionControl::Block)
            .express(true)
            .wait()
            .map_err(|e| LinkError::Key {
                key: keys.command(),
                reason: e.to_string(),
            })?;
        let lockstep = mode.as_deref() == Some(b"lockstep");
        Ok(Self {
            description,
            keys,
            lockstep,
            newest,
            command,
            sent: 0,
            _subscribers: subscribers,
            session,
        })
    }

    /// The robot, as it describes itself.
    #[must_use]
    pub fn description(&self) -> &RobotDescription {
        &self.description
    }

    /// Whether time passes only when asked for.
    #[must_use]
    pub fn is_lockstep(&self) -> bool {
        self.lockstep
    }

    /// Sends a command.
    ///
    /// # Errors
    /// When the session is gone.
    pub fn send(&mut self, command: &JointCommand) -> Result<(), LinkError> {
        self.sent = command.sequence;
        self.command
            .put(wire::encode_command(command))
            .wait()
            .map_err(|e| LinkError::Key {
                key: self.keys.command(),
                reason: e.to_string(),
            })
    }

    /// Lets a robot in lockstep go on, and answers what it published then; frames only when wanted.
    ///
    /// # Errors
    /// When it does not answer or its messages do not arrive.
    pub fn advance(&self, duration_ns: u64, want_frames: bool) -> Result<Observation, LinkError> {
        let request = AdvanceRequest {
            duration_ns,
            command_sequence: self.sent,
            want_frames,
        };
        self.tick(&self.keys.clock(), wire::encode_advance(&request))
    }

    /// Asks for a new scene, and answers what the robot sees of it.
    ///
    /// # Errors
    /// When the robot cannot set up scenes, or does not answer.
    pub fn reset(&self, seed: u64) -> Result<Observation, LinkError> {
        self.tick(&self.keys.reset(), wire::encode_reset(seed))
    }

    /// The newest state and, when wanted, frames of a robot in real time. The first of each is waited
    /// for, no longer than it may be old.
    ///
    /// # Errors
    /// When something has not come, is older than `within`, or cannot be used.
    pub fn latest(&self, want_frames: bool, within: Freshness) -> Result<Observation, LinkError> {
        let patience = if want_frames {
            within.state.max(within.frame)
        } else {
            within.state
        };
        let mut missing = self.keys.state();
        let found = self.newest.wait(patience, |seen| {
            let state = match self.fresh(&seen.state, within.state, || self.keys.state())? {
                Ok(state) => state,
                Err(error) => return Some(Err(error)),
            };
            let wanted = if want_frames { &seen.frames[..] } else { &[] };
            let mut frames = Vec::with_capacity(wanted.len());
            for (slot, camera) in wanted.iter().zip(&self.description.cameras) {
                let key = || self.keys.camera(&camera.name);
                match self.fresh(slot, within.frame, key) {
                    Some(Ok(frame)) => frames.push(frame),
                    Some(Err(error)) => return Some(Err(error)),
                    None => {
                        missing = key();
                        return None;
                    }
                }
            }
            Some(Ok(Observation { state, frames }))
        });
        found.unwrap_or_else(|| Err(self.silent(&missing, patience)))
    }

    /// What lies in `slot`, if it is not older than `allowed`.
    fn fresh<T: Clone + Numbered>(
        &self,
        slot: &Slot<T>,
        allowed: Duration,
        key: impl Fn() -> String,
    ) -> Option<Result<T, LinkError>> {
        Some(match slot.look()? {
            Ok((message, age)) if age <= allowed => Ok(message.clone()),
            Ok((_, age)) => Err(LinkError::Stale {
                robot: self.description.name.clone(),
                key: key(),
                age_ms: age.as_millis() as u64,
                allowed_ms: allowed.as_millis() as u64,
            }),
            Err(unread) => Err(unusable(key(), unread)),
        })
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
        let mut missing = self.keys.state();
        let found = self.newest.wait(PATIENCE, |seen| {
            let state = match since(&seen.state, reply.state_sequence, || self.keys.state())? {
                Ok(state) => state,
                Err(error) => return Some(Err(error)),
            };
            let mut frames = Vec::with_capacity(reply.frame_sequences.len());
            let cameras = seen.frames.iter().zip(&self.description.cameras);
            for ((slot, camera), &sequence) in cameras.zip(&reply.frame_sequences) {
                let key = || self.keys.camera(&camera.name);
                match since(slot, sequence, key) {
                    Some(Ok(frame)) => frames.push(frame),
                    Some(Err(error)) => return Some(Err(error)),
                    None => {
                        missing = key();
                        return None;
                    }
                }
            }
            Some(Ok(Observation { state, frames }))
        });
        found.unwrap_or_else(|| Err(self.silent(&missing, PATIENCE)))
    }

    fn silent(&self, key: &str, waited: Duration) -> LinkError {
        LinkError::Silent {
            robot: self.description.name.clone(),
            key: key.into(),
            timeout_ms: waited.as_millis() as u64,
        }
    }
}

/// What lies in `slot`, if it is the message number `sequence` or a later one.
fn since<T: Clone + Numbered>(
    slot: &Slot<T>,
    sequence: u64,
    key: impl Fn() -> String,
) -> Option<Result<T, LinkError>> {
    match slot.look()? {
        Ok((message, _)) if message.number().0 >= sequence => Some(Ok(message.clone())),
        Ok(_) => None,
        Err(unread) => Some(Err(unusable(key(), unread))),
    }
}

fn unusable(key: String, unread: &Unread) -> LinkError {
    LinkError::Message {
        key,
        bytes: unread.bytes,
        reason: unread.reason.clone(),
    }
}

/// A state of a robot with so many joints.
fn state_of(bytes: &[u8], joints: usize) -> Result<RobotState, String> {
    let state = wire::decode_state(bytes)?;
    if state.positions.len() == joints {
        Ok(state)
    } else {
        let got = state.positions.len();
        Err(format!("it has {got} joints, the robot has {joints}"))
    }
}

/// A frame of this camera; only one of its size is copied.
fn frame_of(bytes: &[u8], camera: &Camera) -> Result<CameraFrame, String> {
    let (width, height) = (camera.width, camera.height);
    if bytes.len() == wire::frame_bytes(width, height) {
        let frame = wire::decode_frame(bytes)?;
        if (frame.image.width(), frame.image.height()) == (width, height) {
            return Ok(frame);
        }
    }
    let name = &camera.name;
    Err(format!(
        "it is no picture of {width}x{height} pixels, as camera {name} is described"
    ))
}

/// Keeps the newest message on `key` in a slot.
fn subscribe<T: Numbered + 'static>(
    session: &Session,
    key: String,
    newest: Arc<Newest>,
    read: impl Fn(&[u8]) -> Result<T, String> + Send + Sync + 'static,
    slot: impl Fn(&mut Seen) -> Option<&mut Slot<T>> + Send + Sync + 'static,
) -> Result<Subscriber<()>, LinkError> {
    let name = key.clone();
    session
        .declare_subscriber(key.clone())
        .callback(move |sample| {
            let bytes = sample.payload().to_bytes();
            let message = read(&bytes).map_err(|reason| Unread {
                bytes: bytes.len(),
                reason,
            });
            let problem = message.as_ref().err().map(|u| u.reason.clone());
            let first = newest.update(|seen| slot(seen).is_some_and(|s| s.take(message)));
            if let (true, Some(problem)) = (first, problem) {
                tracing::warn!("a message on {name} cannot be used: {problem}");
            }
        })
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
