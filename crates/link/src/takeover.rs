//! People who take over: their device's side, and the runtime's.

use crate::security::{Role, Security};
use crate::wire::{self, Status, Takeover};
use crate::{Arm, Freshness, LinkError, RobotLink, keys::Keys};
use apprentice_core::RobotState;
use apprentice_robot::RobotDescription;
use apprentice_safety::{Arbiter, Authority, Grip};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::{CongestionControl, Priority};
use zenoh::sample::SampleKind;
use zenoh::{Session, Wait as _};

/// What operators' devices say to a runtime, and who decides because of it. Its clones hear the same.
#[derive(Clone)]
pub struct TakeoverInbox {
    heard: Arc<Mutex<Heard>>,
    since: Instant,
    _subscribers: Arc<Vec<Subscriber<()>>>,
}

struct Heard {
    arbiter: Arbiter,
    /// What the person who holds the arm wants; empty to stay.
    action: Vec<f32>,
    devices: Vec<u32>,
    messages: u64,
}

/// Devices that are remembered; more are not listened to.
const MOST_DEVICES: usize = 16;

impl TakeoverInbox {
    /// Listens to devices for the robot called `robot`. Only a device whose liveliness token is there is
    /// listened to.
    ///
    /// # Errors
    /// When the keys cannot be used.
    pub fn open(session: &Session, robot: &str) -> Result<Self, LinkError> {
        let keys = Keys::new(robot);
        let since = Instant::now();
        let heard = Arc::new(Mutex::new(Heard {
            arbiter: Arbiter::default(),
            action: Vec::new(),
            devices: Vec::new(),
            messages: 0,
        }));
        let to = Arc::clone(&heard);
        let prefix = keys.takeover();
        let tokens = session
            .liveliness()
            .declare_subscriber(keys.takeover_leases())
            .history(true)
            .callback(move |sample| {
                let name = sample.key_expr().as_str();
                let client = name
                    .strip_prefix(&prefix)
                    .and_then(|rest| rest.strip_prefix('/'))
                    .and_then(|hex| u32::from_str_radix(hex, 16).ok());
                if let Some(client) = client {
                    lock(&to).device(client, sample.kind() == SampleKind::Put);
                }
            })
            .wait()
            .map_err(|e| key_error(&keys.takeover_leases(), &e))?;
        let to = Arc::clone(&heard);
        let messages = session
            .declare_subscriber(keys.takeover())
            .callback(
                move |sample| match wire::decode_takeover(&sample.payload().to_bytes()) {
                    Ok(takeover) => lock(&to).hear(takeover, since.elapsed().as_nanos() as u64),
                    Err(problem) => tracing::warn!("a takeover message cannot be used: {problem}"),
                },
            )
            .wait()
            .map_err(|e| key_error(&keys.takeover(), &e))?;
        Ok(Self {
            heard,
            since,
            _subscribers: Arc::new(vec![tokens, messages]),
        })
    }

    /// Believes a device's last message for so long, instead of 200 ms.
    #[must_use]
    pub fn with_silence(self, silence: Duration) -> Self {
        let silence_ns = u64::try_from(silence.as_nanos()).unwrap_or(u64::MAX);
        lock(&self.heard).arbiter.silence_ns = silence_ns;
        self
    }

    /// Who decides now, and the action (A numbers) the person wants; empty where the arm is to stay.
    #[must_use]
    pub fn decide(&self) -> (Authority, Vec<f32>) {
        let mut heard = lock(&self.heard);
        let authority = heard.arbiter.decide(self.now_ns());
        let action = match authority {
            Authority::Human => heard.action.clone(),
            _ => Vec::new(),
        };
        (authority, action)
    }

    /// A new episode begins: the policy has the arm, unless a person holds it.
    pub fn begin(&self) {
        let now_ns = self.now_ns();
        lock(&self.heard).arbiter.begin(now_ns);
    }

    /// How often people took over, and how many messages were not listened to.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let heard = lock(&self.heard);
        (heard.arbiter.takeovers(), heard.arbiter.unheard())
    }

    /// Messages that could be read, listened to or not.
    #[must_use]
    pub fn messages(&self) -> u64 {
        lock(&self.heard).messages
    }

    /// Devices whose token is there.
    #[must_use]
    pub fn devices(&self) -> usize {
        lock(&self.heard).devices.len()
    }

    fn now_ns(&self) -> u64 {
        self.since.elapsed().as_nanos() as u64
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Heard {
    fn device(&mut self, client: u32, alive: bool) {
        if !alive {
            self.devices.retain(|d| *d != client);
            self.arbiter.gone(client);
        } else if self.devices.len() < MOST_DEVICES && !self.devices.contains(&client) {
            self.devices.push(client);
        }
    }

    fn hear(&mut self, takeover: Takeover, now_ns: u64) {
        self.messages += 1;
        if !self.devices.contains(&takeover.grip.client) {
            return tracing::warn!(
                "a takeover message of {:08x} is not obeyed: it holds no token",
                takeover.grip.client
            );
        }
        match self.arbiter.hear(takeover.grip, now_ns) {
            Ok(()) => self.action = takeover.action,
            Err(why) => tracing::warn!(
                "a takeover message of {:08x} is not obeyed: {why:?}",
                takeover.grip.client
            ),
        }
    }
}

/// An operator's device on the link: sees where the robot is, and says what the person wants.
pub struct OperatorLink {
    robot: RobotLink,
    takeover: Publisher<'static>,
    sequence: u64,
    since: Instant,
    _token: LivelinessToken,
}

impl OperatorLink {
    /// Connects a device to the robot called `robot` at `endpoint` of this machine.
    ///
    /// # Errors
    /// As [`RobotLink::connect`].
    pub fn connect(endpoint: &str, robot: &str, timeout: Duration) -> Result<Self, LinkError> {
        Self::connect_with(endpoint, robot, &Security::LoopbackOnly, timeout)
    }

    /// Connects a device, with or without keys.
    ///
    /// # Errors
    /// As [`RobotLink::connect_as`].
    pub fn connect_with(
        endpoint: &str,
        robot: &str,
        security: &Security,
        timeout: Duration,
    ) -> Result<Self, LinkError> {
        let robot = RobotLink::connect_as(Role::Operator, endpoint, robot, security, timeout)?;
        let keys = Keys::new(&robot.description().name);
        let token = keys.takeover_lease(robot.client());
        let session = robot.session();
        let takeover = session
            .declare_publisher(keys.takeover())
            .congestion_control(CongestionControl::Drop)
            .priority(Priority::RealTime)
            .express(true)
            .wait()
            .map_err(|e| key_error(&keys.takeover(), &e))?;
        let held = session
            .liveliness()
            .declare_token(token.clone())
            .wait()
            .map_err(|e| key_error(&token, &e))?;
        Ok(Self {
            takeover,
            sequence: 0,
            since: Instant::now(),
            _token: held,
            robot,
        })
    }

    /// The robot.
    #[must_use]
    pub fn description(&self) -> &RobotDescription {
        self.robot.description()
    }

    /// Where it is now: no older than 100 ms, or five of its control periods.
    ///
    /// # Errors
    /// When it is silent. Waits for the first state as long as that.
    pub fn state(&self) -> Result<RobotState, LinkError> {
        let periods = 5.0 / self.description().control_hz;
        let age = Duration::from_secs_f64(periods.clamp(0.1, 60.0));
        let within = Freshness {
            state: age,
            frame: age,
        };
        Ok(self.robot.latest(false, within)?.state)
    }

    /// How the arm says it stands, if it has said so.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.robot.status()
    }

    /// Under which number it is known to the runtime.
    #[must_use]
    pub fn client(&self) -> u32 {
        self.robot.client()
    }

    /// Says what the person does now. The deadman is believed for 200 ms.
    ///
    /// # Errors
    /// When the session is gone.
    pub fn say(&mut self, deadman: bool, hand_back: bool, action: &[f32]) -> Result<(), LinkError> {
        self.sequence += 1;
        let message = wire::encode_takeover(&Takeover {
            grip: Grip {
                client: self.robot.client(),
                sequence: self.sequence,
                deadman,
                hand_back,
            },
            stamp_ns: self.since.elapsed().as_nanos() as u64,
            action: action.to_vec(),
        });
        self.takeover
            .put(message)
            .wait()
            .map_err(|e| key_error(self.takeover.key_expr(), &e))
    }

    /// Whether somebody listens: the runtime that drives the robot.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        let status = self.takeover.matching_status().wait();
        status.is_ok_and(|s| s.matching())
    }
}

fn key_error(key: &str, error: &zenoh::Error) -> LinkError {
    LinkError::Key {
        key: key.to_owned(),
        reason: error.to_string(),
    }
}
