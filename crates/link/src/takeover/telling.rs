//! Tells everybody who decides for the arm.

use super::heard::Heard;
use crate::LinkError;
use crate::error::key_error;
use crate::keys::Keys;
use crate::wire::{self, Decider};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};
use zenoh::pubsub::Publisher;
use zenoh::qos::{CongestionControl, Priority};
use zenoh::{Session, Wait as _};

/// How often who decides is said again when nothing changes.
const EVERY: Duration = Duration::from_millis(500);

/// What devices said, for those who listen and the one who tells.
pub(super) struct Shared {
    heard: Mutex<Heard>,
    changed: Condvar,
    clock: Clock,
}

/// Nanoseconds since the beginning.
enum Clock {
    Wall(Instant),
    /// As somebody says.
    Told(AtomicU64),
}

impl Shared {
    pub fn new() -> Self {
        Self {
            heard: Mutex::new(Heard::new()),
            changed: Condvar::new(),
            clock: Clock::Wall(Instant::now()),
        }
    }

    /// One whose time passes only when it is told.
    pub fn with_clock() -> Self {
        Self {
            clock: Clock::Told(AtomicU64::new(0)),
            ..Self::new()
        }
    }

    pub fn set_now_ns(&self, now_ns: u64) {
        if let Clock::Told(told) = &self.clock {
            told.fetch_max(now_ns, Relaxed);
        }
    }

    pub fn now_ns(&self) -> u64 {
        match &self.clock {
            Clock::Wall(since) => u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX),
            Clock::Told(told) => told.load(Relaxed),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Self::lock`], without waiting.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, Heard>> {
        match self.heard.try_lock() {
            Ok(heard) => Some(heard),
            Err(TryLockError::Poisoned(heard)) => Some(heard.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Does something with what was heard, and has it told if somebody else decides then.
    pub fn change<R>(&self, with: impl FnOnce(&mut Heard, u64) -> R) -> R {
        let mut heard = self.lock();
        let now_ns = self.now_ns();
        let before = heard.decide(now_ns);
        let answer = with(&mut heard, now_ns);
        let changed = heard.decide(now_ns) != before;
        drop(heard);
        if changed {
            self.changed.notify_all();
        }
        answer
    }
}

/// Tells while it lives, on a thread of its own: the control loop has nothing to wait for here.
pub(super) struct Telling(Arc<Shared>);

impl Telling {
    pub fn start(shared: &Arc<Shared>, session: &Session, keys: &Keys) -> Result<Self, LinkError> {
        let key = keys.authority();
        let publisher = session
            .declare_publisher(key.clone())
            .congestion_control(CongestionControl::Drop)
            .priority(Priority::DataHigh)
            .express(true)
            .wait()
            .map_err(|e| key_error(&key, &e))?;
        let to = Arc::clone(shared);
        std::thread::Builder::new()
            .name("who-decides".into())
            .spawn(move || tell(&to, &publisher))
            .map_err(|e| LinkError::Key {
                key,
                reason: format!("no thread to publish on it: {e}"),
            })?;
        Ok(Self(Arc::clone(shared)))
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.changed.notify_all();
    }
}

/// Publishes who decides when that has changed, and at least every 500 ms.
fn tell(shared: &Shared, publisher: &Publisher<'_>) {
    let mut sequence = 0;
    let mut told = None;
    let mut due = Instant::now();
    loop {
        let mut heard = shared.lock();
        let (now_ns, decides) = loop {
            if heard.ended {
                return;
            }
            let now_ns = shared.now_ns();
            let decides = heard.decide(now_ns);
            let left = due.saturating_duration_since(Instant::now());
            if told != Some(decides) || left.is_zero() {
                break (now_ns, decides);
            }
            // Nothing else says that a person's device fell silent, or that what was handed back is the policy's.
            let held = heard.arbiter.changes_at();
            let held = held.map_or(left, |until_ns| {
                Duration::from_nanos(until_ns.saturating_sub(now_ns).saturating_add(1))
            });
            let waited = shared.changed.wait_timeout(heard, left.min(held));
            heard = waited.unwrap_or_else(PoisonError::into_inner).0;
        };
        drop(heard);
        told = Some(decides);
        due = Instant::now() + EVERY;
        sequence += 1;
        let message = wire::encode_decider(&Decider {
            sequence,
            stamp_ns: now_ns,
            authority: decides.0,
            device: decides.1.unwrap_or(0),
        });
        if let Err(e) = publisher.put(message).wait() {
            return tracing::warn!("operators' devices are not told who decides: {e}");
        }
    }
}
