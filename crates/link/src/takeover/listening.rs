//! The side of whoever drives the robot.

use super::host::TakeoverHost;
use crate::error::key_error;
use crate::wire::{self, Takeover};
use crate::{Inbox, LinkError, keys::Keys};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Arbiter, Authority};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};
use zenoh::bytes::ZBytes;
use zenoh::pubsub::Subscriber;
use zenoh::sample::SampleKind;
use zenoh::{Session, Wait as _};

/// What operators' devices say to a runtime, and who decides because of it. Its clones hear the same.
#[derive(Clone)]
pub struct TakeoverInbox {
    heard: Arc<Mutex<Heard>>,
    since: Instant,
    _subscribers: Arc<Vec<Subscriber<()>>>,
    /// Where the robot does not speak the native link, whoever speaks it in its place.
    _host: Option<Arc<TakeoverHost>>,
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
/// The longest message that is read, bytes; one with 64 numbers has 543.
const LONGEST_MESSAGE: usize = 1024;

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
            .callback(move |sample| match read(sample.payload()) {
                Ok(takeover) => lock(&to).hear(takeover, since.elapsed().as_nanos() as u64),
                Err(problem) => tracing::warn!("a takeover message cannot be used: {problem}"),
            })
            .wait()
            .map_err(|e| key_error(&keys.takeover(), &e))?;
        Ok(Self {
            heard,
            since,
            _subscribers: Arc::new(vec![tokens, messages]),
            _host: None,
        })
    }

    /// Listens to devices for a robot that does not speak the native link, and shows it to them in its place:
    /// answers who it is, and publishes the newest of `states` at its control rate, up to 100 Hz. Ends with the last
    /// clone.
    ///
    /// # Errors
    /// When somebody does that under the robot's name already, or the keys cannot be used.
    pub fn in_place_of(
        robot: &RobotDescription,
        states: &Arc<Inbox>,
        session: &Session,
    ) -> Result<Self, LinkError> {
        let host = TakeoverHost::open(robot, states, session)?;
        Ok(Self {
            _host: Some(Arc::new(host)),
            ..Self::open(session, &robot.name)?
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

    /// As [`TakeoverInbox::decide`], into `action`, which keeps its room, and with the takeovers so far: without
    /// allocating and without waiting. `None`, with `action` as it was, where a message is being heard just now.
    pub fn try_decide(&self, action: &mut Vec<f32>) -> Option<(Authority, u64)> {
        let mut heard = match self.heard.try_lock() {
            Ok(heard) => heard,
            Err(TryLockError::Poisoned(heard)) => heard.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let authority = heard.arbiter.decide(self.now_ns());
        action.clear();
        if authority == Authority::Human {
            action.extend_from_slice(&heard.action);
        }
        Some((authority, heard.arbiter.takeovers()))
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

/// A message, copied only if it can be one.
fn read(payload: &ZBytes) -> Result<Takeover, wire::Problem> {
    if payload.len() > LONGEST_MESSAGE {
        return Err("it is longer than any takeover message");
    }
    wire::decode_takeover(&payload.to_bytes())
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
