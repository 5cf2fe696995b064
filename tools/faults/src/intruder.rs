//! What any process of the machine can say and ask where there are no keys.

use crate::guest::{self, zenoh_error};
use anyhow::{Result, anyhow};
use apprentice_core::{JointCommand, RobotState};
use apprentice_link::keys::{ClientMessage, Keys};
use apprentice_link::wire::{self, Request, Takeover};
use apprentice_safety::{Phase, Service, TeleopMessage};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::Subscriber;
use zenoh::qos::{CongestionControl, Priority};
use zenoh::{Session, Wait as _};

/// Some other process, as far as a robot can tell.
pub struct Intruder {
    session: Session,
    /// The keys of the robot.
    pub keys: Keys,
}

impl Intruder {
    /// At the robot called `robot` behind `endpoint`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn at(endpoint: &str, robot: &str) -> Result<Self> {
        Ok(Self {
            session: guest::session(endpoint)?,
            keys: Keys::new(robot),
        })
    }

    /// Its session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Publishes these bytes; they arrive.
    ///
    /// # Errors
    /// When zenoh does not take the key.
    pub fn put(&self, key: &str, bytes: Vec<u8>) -> Result<()> {
        self.session
            .put(key.to_owned(), bytes)
            .congestion_control(CongestionControl::Block)
            .priority(Priority::RealTime)
            .express(true)
            .wait()
            .map_err(zenoh_error)
    }

    /// Commands the arm under this number.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn command(&self, client: u32, command: &JointCommand) -> Result<()> {
        let bytes = wire::encode_command(client, command);
        self.put(&self.keys.of(ClientMessage::Command, client), bytes)
    }

    /// Says what a person would, under this number.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn takeover(&self, client: u32, sequence: u64, flags: (bool, bool)) -> Result<()> {
        let (deadman, hand_back) = flags;
        let bytes = wire::encode_takeover(&Takeover {
            teleop: TeleopMessage {
                client,
                sequence,
                deadman,
                hand_back,
            },
            stamp_ns: 0,
            action: Vec::new(),
        });
        self.put(&self.keys.of(ClientMessage::Takeover, client), bytes)
    }

    /// Asks for a service under this number; the answer, or the refusal.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn ask(
        &self,
        service: Service,
        client: u32,
        stops: u64,
    ) -> Result<std::result::Result<Phase, String>> {
        let reply = self
            .session
            .get(self.keys.of(ClientMessage::Service(service), client))
            .payload(wire::encode_request(Request { client, stops }))
            .timeout(Duration::from_secs(5))
            .wait()
            .map_err(zenoh_error)?
            .recv()
            .map_err(zenoh_error)?;
        Ok(match reply.result() {
            Ok(granted) => Ok(wire::decode_granted(&granted.payload().to_bytes())
                .map_err(|problem| anyhow!("{problem}"))?),
            Err(refused) => {
                Err(String::from_utf8_lossy(&refused.payload().to_bytes()).into_owned())
            }
        })
    }

    /// Holds a token, however it is spelt.
    ///
    /// # Errors
    /// When zenoh does not take the key.
    pub fn token(&self, key: &str) -> Result<LivelinessToken> {
        let held = self.session.liveliness().declare_token(key.to_owned());
        held.wait().map_err(zenoh_error)
    }

    /// Holds so many tokens under as many numbers, others for each `salt`.
    ///
    /// # Errors
    /// As [`Self::token`].
    pub fn crowd(
        &self,
        sent: ClientMessage,
        count: u32,
        salt: u32,
    ) -> Result<Vec<LivelinessToken>> {
        // Knuth's multiplier: numbers that differ.
        let number = |n: u32| (n + (salt << 16)).wrapping_mul(0x9e37_79b1) | 1;
        (1..=count)
            .map(|n| self.token(&self.keys.of(sent, number(n))))
            .collect()
    }

    /// Says something on a key again and again until that is dropped. What it says may go by number and stamp of
    /// the robot's newest state.
    ///
    /// # Errors
    /// When zenoh does not take the key.
    pub fn keep_saying(
        self,
        key: String,
        every: Duration,
        bytes: impl Fn(u64, u64) -> Vec<u8> + Send + 'static,
    ) -> Result<RepeatedSender> {
        let states = StateMonitor::of(&self)?;
        let (end, count) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let (ended, counts) = (Arc::clone(&end), Arc::clone(&count));
        let thread = std::thread::Builder::new()
            .name("says-again".into())
            .spawn(move || {
                let (mut number, mut stamp_ns) = (0, 0);
                while !ended.load(Relaxed) {
                    // What it says itself comes back to it: its numbers rise when the robot is silent, too.
                    if let Some(newest) = states.take().last() {
                        (number, stamp_ns) = (newest.sequence, newest.stamp_ns);
                    }
                    if self.put(&key, bytes(number, stamp_ns)).is_ok() {
                        counts.fetch_add(1, Relaxed);
                    }
                    std::thread::sleep(every);
                }
            })?;
        Ok(RepeatedSender {
            end,
            count,
            thread: Some(thread),
        })
    }
}

/// Somebody who says something again and again.
pub struct RepeatedSender {
    end: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl RepeatedSender {
    /// How often it was said.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// Says nothing more; how often it was said.
    #[must_use]
    pub fn finish(mut self) -> u64 {
        self.stop();
        self.count()
    }

    fn stop(&mut self) {
        self.end.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of its thread was printed.
            let _ = thread.join();
        }
    }
}

impl Drop for RepeatedSender {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The states that are published on the key of a robot.
pub struct StateMonitor {
    states: Arc<Mutex<Vec<RobotState>>>,
    _subscriber: Subscriber<()>,
    /// A subscriber ends with its session.
    _session: Session,
}

impl StateMonitor {
    /// From now on.
    ///
    /// # Errors
    /// When zenoh does not take the key.
    pub fn of(by: &Intruder) -> Result<Self> {
        let states: Arc<Mutex<Vec<RobotState>>> = Arc::default();
        let to = Arc::clone(&states);
        let subscriber = by
            .session
            .declare_subscriber(by.keys.state())
            .callback(move |sample| {
                if let Ok(state) = wire::decode_state(&sample.payload().to_bytes()) {
                    to.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(state);
                }
            })
            .wait()
            .map_err(zenoh_error)?;
        Ok(Self {
            states,
            _subscriber: subscriber,
            _session: by.session.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<RobotState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All so far.
    #[must_use]
    pub fn all(&self) -> Vec<RobotState> {
        self.lock().clone()
    }

    /// All since this was asked last.
    #[must_use]
    pub fn take(&self) -> Vec<RobotState> {
        std::mem::take(&mut *self.lock())
    }

    /// The newest.
    ///
    /// # Errors
    /// When none comes within 5 s.
    pub fn newest(&self) -> Result<RobotState> {
        let begun = Instant::now();
        loop {
            if let Some(state) = self.lock().last() {
                return Ok(state.clone());
            }
            if begun.elapsed() > Duration::from_secs(5) {
                return Err(anyhow!("the robot publishes no states"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
