//! Our side of the link: commands a robot and knows the newest of what it publishes.

use crate::wire::{self, AdvanceRequest, TickReply};
use crate::{Arm, Freshness, Inbox, LinkError, keys::Keys, session};
use apprentice_core::{JointCommand, Observation};
use apprentice_robot::RobotDescription;
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
    inbox: Arc<Inbox>,
    command: Publisher<'static>,
    sent: u64,
    _subscribers: Vec<Subscriber<()>>,
    session: Session,
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
        let inbox = Arc::new(Inbox::new(&description, &keys.state(), |camera| {
            keys.camera(camera)
        }));
        let to = Arc::clone(&inbox);
        let mut subscribers = vec![subscribe(&session, keys.state(), move |bytes| {
            let state = wire::decode_state(bytes).map_err(str::to_owned);
            to.put_state(bytes.len(), state);
        })?];
        for (index, camera) in description.cameras.iter().enumerate() {
            let to = Arc::clone(&inbox);
            let expected = wire::frame_bytes(camera.width, camera.height);
            subscribers.push(subscribe(
                &session,
                keys.camera(&camera.name),
                move |bytes| {
                    // Only one of the right size is copied.
                    let frame = if bytes.len() == expected {
                        wire::decode_frame(bytes).map_err(str::to_owned)
                    } else {
                        Err(format!("a frame of this camera has {expected} bytes"))
                    };
                    to.put_frame(index, bytes.len(), frame);
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
            inbox,
            command,
            sent: 0,
            _subscribers: subscribers,
            session,
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
        Ok(())
    }

    fn disengage(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    fn send(&mut self, command: &JointCommand) -> Result<(), LinkError> {
        self.sent = command.sequence;
        self.command
            .put(wire::encode_command(command))
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

/// Hands what comes on `key` to `read`.
fn subscribe(
    session: &Session,
    key: String,
    read: impl Fn(&[u8]) + Send + Sync + 'static,
) -> Result<Subscriber<()>, LinkError> {
    session
        .declare_subscriber(key.clone())
        .callback(move |sample| read(&sample.payload().to_bytes()))
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
