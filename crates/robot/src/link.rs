//! Our side of the link: commands a robot and knows the newest of what it publishes.

use crate::wire::{self, AdvanceRequest, TickReply};
use crate::{LinkError, RobotDescription, keys::Keys, session};
use apprentice_core::{CameraFrame, JointCommand, Observation, RobotState};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::CongestionControl;
use zenoh::{Session, Wait as _};

/// How long a robot may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

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

/// The newest message of each kind; older ones are gone.
#[derive(Default)]
struct Newest {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    state: Option<RobotState>,
    frames: Vec<Option<CameraFrame>>,
}

impl Newest {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// What `ready` finds, as soon as it finds something.
    fn wait<T>(&self, patience: Duration, mut ready: impl FnMut(&Seen) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + patience;
        let mut seen = self.lock();
        loop {
            if let Some(found) = ready(&seen) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            seen = self
                .changed
                .wait_timeout(seen, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
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
        let newest = Arc::new(Newest::default());
        newest.lock().frames = vec![None; description.cameras.len()];
        let mut subscribers = Vec::new();
        let shared = Arc::clone(&newest);
        subscribers.push(subscribe(&session, keys.state(), move |bytes| {
            let state = wire::decode_state(bytes)?;
            shared.update(|seen| seen.state = Some(state));
            Ok(())
        })?);
        for (index, camera) in description.cameras.iter().enumerate() {
            let shared = Arc::clone(&newest);
            subscribers.push(subscribe(
                &session,
                keys.camera(&camera.name),
                move |bytes| {
                    let frame = wire::decode_frame(bytes)?;
                    shared.update(|seen| {
                        if let Some(slot) = seen.frames.get_mut(index) {
                            *slot = Some(frame);
                        }
                    });
                    Ok(())
                },
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

    /// The newest state and, when wanted, frames, waiting for the first of each.
    ///
    /// # Errors
    /// When something has not arrived even once.
    pub fn latest(&self, want_frames: bool) -> Result<Observation, LinkError> {
        let found = self.newest.wait(PATIENCE, |seen| {
            let state = seen.state.clone()?;
            let frames = if want_frames {
                seen.frames.iter().cloned().collect::<Option<_>>()?
            } else {
                Vec::new()
            };
            Some(Observation { state, frames })
        });
        found.ok_or_else(|| self.silent(&self.keys.state()))
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
        let found = self.newest.wait(PATIENCE, |seen| {
            let state = seen
                .state
                .clone()
                .filter(|s| s.sequence >= reply.state_sequence)?;
            let mut frames = Vec::with_capacity(reply.frame_sequences.len());
            for (frame, &sequence) in seen.frames.iter().zip(&reply.frame_sequences) {
                frames.push(frame.clone().filter(|f| f.sequence >= sequence)?);
            }
            Some(Observation { state, frames })
        });
        found.ok_or_else(|| self.silent(&self.keys.state()))
    }

    fn silent(&self, key: &str) -> LinkError {
        LinkError::Silent {
            robot: self.description.name.clone(),
            key: key.into(),
            timeout_ms: PATIENCE.as_millis() as u64,
        }
    }
}

fn subscribe(
    session: &Session,
    key: String,
    take: impl Fn(&[u8]) -> Result<(), wire::Problem> + Send + Sync + 'static,
) -> Result<Subscriber<()>, LinkError> {
    let name = key.clone();
    session
        .declare_subscriber(key.clone())
        .callback(move |sample| {
            if let Err(problem) = take(&sample.payload().to_bytes()) {
                tracing::warn!("a message on {name} was not understood: {problem}");
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
