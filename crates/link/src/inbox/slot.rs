//! The newest message on one key.

use super::rejected::{Problem, Rejected};
use apprentice_core::{CameraFrame, RobotState};
use std::time::{Duration, Instant};

/// The newest good message on a key, and what came after it and was left out.
pub(super) struct Slot<T> {
    newest: Option<(T, Instant)>,
    pub rejected: Rejected,
    /// When what the newest one shows was seen first.
    fresh_since: Option<Instant>,
    /// Messages that came after later ones.
    pub late: u64,
    /// The newest message before, until somebody takes it.
    pub replaced: Option<T>,
}

/// A sender that counts from the beginning again has been started anew if it was silent for so long.
const RESTART: Duration = Duration::from_millis(500);

/// What a message is beside the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    New,
    /// It says again what was said before: a driver that hangs may repeat itself.
    Repeated,
    /// It was overtaken on the way.
    Late,
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
            rejected: Rejected::default(),
            fresh_since: None,
            late: 0,
            replaced: None,
        }
    }
}

impl<T: Numbered> Slot<T> {
    /// Where a message belongs.
    pub fn place(&self, message: &T) -> Arrival {
        match &self.newest {
            Some((before, _)) if before.number() == message.number() => Arrival::Repeated,
            Some((before, came))
                if message.number().0 <= before.number().0 && came.elapsed() < RESTART =>
            {
                Arrival::Late
            }
            _ => Arrival::New,
        }
    }

    /// Takes over a message that came then, if it is news. One that was overtaken is counted and left.
    pub fn take(&mut self, message: T, came: Instant, same: impl Fn(&T, &T) -> bool) {
        match self.place(&message) {
            Arrival::Repeated => {}
            Arrival::Late => self.late += 1,
            Arrival::New => {
                let newest = self.newest.as_ref();
                let same = newest.is_some_and(|(b, _)| same(b, &message));
                if !same || self.fresh_since.is_none() {
                    self.fresh_since = Some(came);
                }
                self.rejected.forget();
                self.replaced = self.newest.replace((message, came)).map(|(b, _)| b);
            }
        }
    }

    /// Leaves a message out: the newest grows old instead. Answers whether it is time to say so.
    pub fn reject(&mut self, problem: Problem) -> bool {
        self.rejected.add(problem)
    }

    /// What came before is of no use any more.
    pub fn clear(&mut self) {
        self.withdraw();
        self.rejected.forget();
    }

    /// What came before may not be so: there is no newest any more, and what was left out still counts.
    pub fn withdraw(&mut self) {
        (self.newest, self.fresh_since) = (None, None);
    }

    /// For how long the newest messages have shown the same, by when they came.
    pub fn unchanged(&self) -> Duration {
        match (&self.newest, self.fresh_since) {
            (Some((_, came)), Some(since)) => came.saturating_duration_since(since),
            _ => Duration::ZERO,
        }
    }

    /// The newest message and its age.
    pub fn look(&self) -> Option<(&T, Duration)> {
        let (message, came) = self.newest.as_ref()?;
        Some((message, came.elapsed()))
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
            efforts: None,
            external_wrench: None,
        }
    }

    fn take(slot: &mut Slot<RobotState>, sequence: u64) {
        slot.take(state(sequence), Instant::now(), |_, _| false);
    }

    #[test]
    fn what_is_repeated_grows_old_and_so_does_what_is_followed_by_nonsense() {
        let mut slot = Slot::default();
        assert!(slot.look().is_none());
        take(&mut slot, 1);
        std::thread::sleep(Duration::from_millis(5));
        take(&mut slot, 1);
        let age = |slot: &Slot<RobotState>| slot.look().unwrap().1;
        assert!(age(&slot) >= Duration::from_millis(5));
        let cut = Problem::Unreadable("it is cut off".into());
        assert!(slot.reject(cut.clone()));
        assert!(!slot.reject(cut));
        assert_eq!(slot.look().unwrap().0, &state(1));
        assert!(age(&slot) >= Duration::from_millis(5));
        assert_eq!(
            slot.rejected.describe(&[]).unwrap(),
            "2 unreadable; the last: it is cut off"
        );
        take(&mut slot, 2);
        assert_eq!(slot.look().unwrap().0, &state(2));
        assert_eq!(
            (slot.rejected.describe(&[]), slot.rejected.total.sum()),
            (None, 2)
        );
    }

    #[test]
    fn what_was_overtaken_is_left_and_a_new_start_is_taken() {
        let mut slot = Slot::default();
        take(&mut slot, 5);
        take(&mut slot, 3);
        assert_eq!((slot.look().unwrap().0.sequence, slot.late), (5, 1));
        std::thread::sleep(RESTART);
        take(&mut slot, 1);
        assert_eq!(slot.look().unwrap().0.sequence, 1);
    }
}
