//! The robot's clock, seen from here: capture times are carried over to it.
//!
//! Each state says what the robot's clock showed when it was sent. It arrives later, never earlier, so the largest
//! difference to our clock of late is the one with the least delay: the minimum filter of NTP (RFC 5905, section 10).

use crate::source::monotonic_ns;
use apprentice_link::LinkError;
use apprentice_link::keys::Keys;
use apprentice_link::wire;
use std::sync::{Arc, Mutex, PoisonError};
use zenoh::pubsub::Subscriber;
use zenoh::{Session, Wait as _};

/// How long a difference counts, nanoseconds: clocks drift apart by some 50 us in this time.
const WINDOW_NS: u64 = 1_000_000_000;

/// The difference between two clocks, from stamps that arrive late by different amounts.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClockOffset {
    /// Of the window before, where it is over, and of this one: begin and largest difference.
    before: Option<i128>,
    now: Option<(u64, i128)>,
}

impl ClockOffset {
    /// A message with this stamp of the other clock arrived when ours showed `here_ns` (nanoseconds).
    pub fn heard(&mut self, stamp_ns: u64, here_ns: u64) {
        let difference = i128::from(stamp_ns) - i128::from(here_ns);
        match &mut self.now {
            Some((begin, largest)) if here_ns.saturating_sub(*begin) < WINDOW_NS => {
                *largest = (*largest).max(difference);
            }
            now => {
                self.before = now.map(|(_, largest)| largest);
                *now = Some((here_ns, difference));
            }
        }
    }

    /// What the other clock showed when ours showed `here_ns`; `None` before anything was heard.
    #[must_use]
    pub fn there(&self, here_ns: u64) -> Option<u64> {
        let (_, now) = self.now?;
        // A window that has just begun knows less than the one before, unless the clock was set.
        let largest = self.before.map_or(now, |before| {
            if (before - now).abs() < i128::from(WINDOW_NS) {
                before.max(now)
            } else {
                now
            }
        });
        u64::try_from(i128::from(here_ns) + largest).ok()
    }
}

/// Listens to a robot's states for its clock.
pub struct RobotClock {
    offset: Arc<Mutex<ClockOffset>>,
    _states: Subscriber<()>,
}

impl RobotClock {
    /// Of the robot called `robot`.
    ///
    /// # Errors
    /// When the key of its states cannot be listened to.
    pub fn of(session: &Session, robot: &str) -> Result<Self, LinkError> {
        let offset = Arc::new(Mutex::new(ClockOffset::default()));
        let to = Arc::clone(&offset);
        let key = Keys::new(robot).state();
        let heard = move |sample: zenoh::sample::Sample| {
            let here = monotonic_ns();
            if let Ok(state) = wire::decode_state(&sample.payload().to_bytes()) {
                to.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .heard(state.stamp_ns, here);
            }
        };
        let states = session
            .declare_subscriber(key.clone())
            .callback(heard)
            .wait()
            .map_err(|e| LinkError::Key {
                key,
                reason: e.to_string(),
            })?;
        Ok(Self {
            offset,
            _states: states,
        })
    }

    /// What the robot's clock showed when ours ([`monotonic_ns`]) showed `here_ns`; `None` before a state has come.
    #[must_use]
    pub fn there(&self, here_ns: u64) -> Option<u64> {
        let offset = self.offset.lock();
        offset
            .unwrap_or_else(PoisonError::into_inner)
            .there(here_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_that_came_soonest_says_how_clocks_differ() {
        const MS: u64 = 1_000_000;
        let mut offset = ClockOffset::default();
        assert_eq!(offset.there(5), None);
        // The robot is 7 s behind us; its messages take 2 ms, now and then 30 ms.
        let behind = 7_000 * MS;
        for i in 0..3_000 {
            let sent = 60_000 * MS + i * MS;
            let delay = if i % 7 == 3 { 2 * MS } else { 30 * MS };
            offset.heard(sent - behind, sent + delay);
            if i > 10 {
                let there = offset.there(sent).unwrap();
                assert_eq!(there, sent - behind - 2 * MS, "message {i}");
            }
        }
        // A robot that starts anew has another clock.
        for i in 0..3 {
            offset.heard(i * MS, 70_000 * MS + i * MS);
        }
        assert_eq!(offset.there(70_001 * MS), Some(MS));
    }
}
