//! The newest message on one key.

use apprentice_core::{CameraFrame, RobotState};
use std::time::{Duration, Instant};

/// The newest good message on a key, and what was wrong with one that came after it.
pub(super) struct Slot<T> {
    newest: Option<(T, Instant)>,
    unread: Option<Unread>,
    /// When what the newest one shows was seen first.
    fresh_since: Option<Instant>,
    /// Messages that came after later ones.
    pub late: u64,
    /// The newest message before, until somebody takes it.
    pub replaced: Option<T>,
}

/// A sender that counts from the beginning again has been started anew if it was silent for so long.
const RESTART: Duration = Duration::from_millis(500);

/// A message that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unread {
    pub bytes: usize,
    pub reason: String,
}

/// What tells one message of a robot from the one before.
pub(super) trait Numbered {
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
            fresh_since: None,
            late: 0,
            replaced: None,
        }
    }
}

impl<T: Numbered> Slot<T> {
    /// Takes a message over. One that says again what was said before is not news: a driver that
    /// hangs may repeat itself. One that was overtaken on the way is counted and left. Answers whether it is
    /// the first of several that cannot be read.
    pub fn take(&mut self, message: Result<T, Unread>, same: impl Fn(&T, &T) -> bool) -> bool {
        match message {
            Ok(message) => {
                self.unread = None;
                let now = Instant::now();
                match &self.newest {
                    Some((before, _)) if before.number() == message.number() => {}
                    Some((before, came))
                        if message.number().0 <= before.number().0
                            && now.duration_since(*came) < RESTART =>
                    {
                        self.late += 1;
                    }
                    newest => {
                        let same = newest.as_ref().is_some_and(|(b, _)| same(b, &message));
                        if !same || self.fresh_since.is_none() {
                            self.fresh_since = Some(now);
                        }
                        self.replaced = self.newest.replace((message, now)).map(|(b, _)| b);
                    }
                }
                false
            }
            Err(unread) => self.unread.replace(unread).is_none(),
        }
    }

    /// For how long the newest messages have shown the same, by when they came.
    pub fn unchanged(&self) -> Duration {
        match (&self.newest, self.fresh_since) {
            (Some((_, came)), Some(since)) => came.saturating_duration_since(since),
            _ => Duration::ZERO,
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
        slot.take(Ok(state(1)), |_, _| false);
        std::thread::sleep(Duration::from_millis(5));
        slot.take(Ok(state(1)), |_, _| false);
        let age = |slot: &Slot<RobotState>| slot.look().unwrap().unwrap().1;
        assert!(age(&slot) >= Duration::from_millis(5));
        let unread = Unread {
            bytes: 3,
            reason: "it is cut off".into(),
        };
        assert!(slot.take(Err(unread.clone()), |_, _| false));
        assert!(!slot.take(Err(unread.clone()), |_, _| false));
        assert_eq!(slot.look().unwrap().unwrap_err(), &unread);
        slot.take(Ok(state(2)), |_, _| false);
        assert_eq!(slot.look().unwrap().unwrap().0, &state(2));
    }

    #[test]
    fn what_was_overtaken_is_left_and_a_new_start_is_taken() {
        let mut slot = Slot::default();
        slot.take(Ok(state(5)), |_, _| false);
        slot.take(Ok(state(3)), |_, _| false);
        assert_eq!(
            (slot.look().unwrap().unwrap().0.sequence, slot.late),
            (5, 1)
        );
        std::thread::sleep(RESTART);
        slot.take(Ok(state(1)), |_, _| false);
        assert_eq!(slot.look().unwrap().unwrap().0.sequence, 1);
    }
}
