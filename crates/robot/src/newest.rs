//! The newest of what a robot publishes, and when it came.

use apprentice_core::{CameraFrame, RobotState};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The newest message of each kind; older ones are gone.
#[derive(Default)]
pub(crate) struct Newest {
    seen: Mutex<Seen>,
    changed: Condvar,
}

/// What has come so far.
#[derive(Default)]
pub(crate) struct Seen {
    pub state: Slot<RobotState>,
    pub frames: Vec<Slot<CameraFrame>>,
}

/// The newest good message on a key, and what was wrong with one that came after it.
pub(crate) struct Slot<T> {
    newest: Option<(T, Instant)>,
    unread: Option<Unread>,
}

/// A message that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unread {
    pub bytes: usize,
    pub reason: String,
}

/// What tells one message of a robot from the one before.
pub(crate) trait Numbered {
    /// Sequence and stamp (ns).
    fn number(&self) -> (u64, u64);
}

impl Numbered for RobotState {
    fn number(&self) -> (u64, u64) {
        (self.sequence, self.stamp_ns)
    }
}

impl Numbered for CameraFrame {
    fn number(&self) -> (u64, u64) {
        (self.sequence, self.stamp_ns)
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            newest: None,
            unread: None,
        }
    }
}

impl<T: Numbered> Slot<T> {
    /// Takes a message over. One that says again what was said before is not news: a driver that
    /// hangs may repeat itself. Answers whether it is the first of several that cannot be read.
    pub fn take(&mut self, message: Result<T, Unread>) -> bool {
        match message {
            Ok(message) => {
                self.unread = None;
                let before = self.newest.as_ref().map(|(m, _)| m.number());
                if before != Some(message.number()) {
                    self.newest = Some((message, Instant::now()));
                }
                false
            }
            Err(unread) => self.unread.replace(unread).is_none(),
        }
    }

    /// The newest message and its age; what is wrong when what came last cannot be used.
    pub fn look(&self) -> Option<Result<(&T, Duration), &Unread>> {
        match (&self.unread, &self.newest) {
            (Some(unread), _) => Some(Err(unread)),
            (None, Some((message, came))) => Some(Ok((message, came.elapsed()))),
            (None, None) => None,
        }
    }
}

impl Newest {
    /// Nothing yet, of a robot with so many cameras.
    pub fn of(cameras: usize) -> Self {
        let newest = Self::default();
        newest.lock().frames.resize_with(cameras, Slot::default);
        newest
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what has been seen, and tells whoever waits for it.
    pub fn update<R>(&self, change: impl FnOnce(&mut Seen) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// What `ready` finds, as soon as it finds something.
    pub fn wait<T>(
        &self,
        patience: Duration,
        mut ready: impl FnMut(&Seen) -> Option<T>,
    ) -> Option<T> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn state(sequence: u64) -> RobotState {
        RobotState {
            sequence,
            stamp_ns: sequence,
            positions: vec![0.0],
            velocities: vec![0.0],
            gripper_width: 0.0,
        }
    }

    #[test]
    fn what_is_repeated_grows_old_and_what_cannot_be_read_is_not_passed_over() {
        let mut slot = Slot::default();
        assert!(slot.look().is_none());
        slot.take(Ok(state(1)));
        std::thread::sleep(Duration::from_millis(5));
        slot.take(Ok(state(1)));
        let age = |slot: &Slot<RobotState>| slot.look().unwrap().unwrap().1;
        assert!(age(&slot) >= Duration::from_millis(5));
        let unread = Unread {
            bytes: 3,
            reason: "it is cut off".into(),
        };
        assert!(slot.take(Err(unread.clone())));
        assert!(!slot.take(Err(unread.clone())));
        assert_eq!(slot.look().unwrap().unwrap_err(), &unread);
        slot.take(Ok(state(2)));
        assert_eq!(slot.look().unwrap().unwrap().0, &state(2));
    }
}
