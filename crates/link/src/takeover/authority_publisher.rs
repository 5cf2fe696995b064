//! Tells everybody who decides for the arm.

use super::device_messages::DeviceMessages;
use crate::LinkError;
use crate::error::key_error;
use crate::keys::Keys;
use crate::wire::{self, AuthorityStatus};
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
    messages: Mutex<DeviceMessages>,
    changed: Condvar,
    clock: Clock,
}

/// Nanoseconds since the beginning.
enum Clock {
    Wall(Instant),
    /// As somebody says.
    Set(AtomicU64),
}

impl Shared {
    pub fn new() -> Self {
        Self {
            messages: Mutex::new(DeviceMessages::new()),
            changed: Condvar::new(),
            clock: Clock::Wall(Instant::now()),
        }
    }

    /// One whose time passes only when it is told.
    pub fn with_clock() -> Self {
        Self {
            clock: Clock::Set(AtomicU64::new(0)),
            ..Self::new()
        }
    }

    pub fn set_now_ns(&self, now_ns: u64) {
        if let Clock::Set(told) = &self.clock {
            told.fetch_max(now_ns, Relaxed);
        }
    }

    pub fn now_ns(&self) -> u64 {
        match &self.clock {
            Clock::Wall(since) => u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX),
            Clock::Set(told) => told.load(Relaxed),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, DeviceMessages> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Self::lock`], without waiting.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, DeviceMessages>> {
        match self.messages.try_lock() {
            Ok(messages) => Some(messages),
            Err(TryLockError::Poisoned(messages)) => Some(messages.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Does something with what devices sent, and has it told if somebody else decides then.
    pub fn change<R>(&self, with: impl FnOnce(&mut DeviceMessages, u64) -> R) -> R {
        let mut messages = self.lock();
        let now_ns = self.now_ns();
        let before = messages.decide(now_ns);
        let answer = with(&mut messages, now_ns);
        let changed = messages.decide(now_ns) != before;
        drop(messages);
        if changed {
            self.changed.notify_all();
        }
        answer
    }
}

/// Tells while it lives, on a thread of its own: the control loop has nothing to wait for here.
pub(super) struct AuthorityPublisher(Arc<Shared>);

impl AuthorityPublisher {
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
            .spawn(move || publish(&to, &publisher))
            .map_err(|e| LinkError::Key {
                key,
                reason: format!("no thread to publish on it: {e}"),
            })?;
        Ok(Self(Arc::clone(shared)))
    }
}

impl Drop for AuthorityPublisher {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.changed.notify_all();
    }
}

/// Publishes who decides when that has changed, and at least every 500 ms.
fn publish(shared: &Shared, publisher: &Publisher<'_>) {
    let mut sequence = 0;
    let mut told = None;
    let mut due = Instant::now();
    loop {
        let mut messages = shared.lock();
        let (now_ns, decides) = loop {
            if messages.ended {
                return;
            }
            let now_ns = shared.now_ns();
            let decides = messages.decide(now_ns);
            let left = due.saturating_duration_since(Instant::now());
            if told != Some(decides) || left.is_zero() {
                break (now_ns, decides);
            }
            // Nothing else says that a person's device fell silent, or that what was handed back is the policy's.
            let held = messages.arbiter.changes_at();
            let held = held.map_or(left, |until_ns| {
                Duration::from_nanos(until_ns.saturating_sub(now_ns).saturating_add(1))
            });
            let waited = shared.changed.wait_timeout(messages, left.min(held));
            messages = waited.unwrap_or_else(PoisonError::into_inner).0;
        };
        drop(messages);
        told = Some(decides);
        due = Instant::now() + EVERY;
        sequence += 1;
        let message = wire::encode_authority_status(&AuthorityStatus {
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
