//! When commands are due.

use std::time::{Duration, Instant};

/// The time a robot is commanded in, counted in control periods: its own where it is in lockstep,
/// otherwise the wall's.
pub(crate) struct Pace {
    period_ns: u64,
    /// How long after it was due the newest period began.
    lateness_ns: u64,
    time: Time,
}

enum Time {
    /// Only when asked for; nanoseconds so far.
    Lockstep(u64),
    /// By itself.
    Wall {
        since: Instant,
        deadline: Option<Instant>,
    },
}

impl Pace {
    pub fn new(period_ns: u64, lockstep: bool) -> Self {
        let time = if lockstep {
            Time::Lockstep(period_ns)
        } else {
            Time::Wall {
                since: Instant::now(),
                deadline: None,
            }
        };
        Self {
            period_ns,
            lateness_ns: 0,
            time,
        }
    }

    pub fn lateness_ns(&self) -> u64 {
        self.lateness_ns
    }

    pub fn period_ns(&self) -> u64 {
        self.period_ns
    }

    /// Now, nanoseconds; never goes back.
    pub fn now_ns(&self) -> u64 {
        match &self.time {
            Time::Lockstep(now_ns) => *now_ns,
            Time::Wall { since, .. } => since.elapsed().as_nanos() as u64,
        }
    }

    /// The next period begins when it is waited for.
    pub fn restart(&mut self) {
        if let Time::Wall { deadline, .. } = &mut self.time {
            *deadline = None;
        }
    }

    /// One period has passed, or does now.
    pub fn pass(&mut self) {
        match &mut self.time {
            Time::Lockstep(now_ns) => *now_ns += self.period_ns,
            Time::Wall { deadline, .. } => {
                let next =
                    deadline.unwrap_or_else(Instant::now) + Duration::from_nanos(self.period_ns);
                let now = Instant::now();
                if next > now {
                    std::thread::sleep(next - now);
                }
                let now = Instant::now();
                self.lateness_ns = now.saturating_duration_since(next).as_nanos() as u64;
                // A late tick is not made up for: two commands at once would be a jump.
                *deadline = Some(next.max(now));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_in_lockstep_passes_only_when_asked_and_on_the_wall_by_itself() {
        let mut asked = Pace::new(20_000_000, true);
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(asked.now_ns(), 20_000_000);
        asked.pass();
        assert_eq!(asked.now_ns(), 40_000_000);
        let mut alone = Pace::new(2_000_000, false);
        let before = alone.now_ns();
        std::thread::sleep(Duration::from_millis(5));
        assert!(alone.now_ns() >= before + 5_000_000);
        alone.restart();
        let before = alone.now_ns();
        (0..5).for_each(|_| alone.pass());
        assert!(alone.now_ns() >= before + 10_000_000);
    }
}
