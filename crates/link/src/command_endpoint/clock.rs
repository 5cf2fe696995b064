//! The time an arm judges commands by.

use std::time::Instant;

/// The time commands are judged by: monotonic, the robot's own.
pub(super) enum Clock {
    /// The stamp of the newest state, nanoseconds.
    Lockstep(u64),
    Wall(Instant),
}

impl Clock {
    /// At its beginning.
    pub fn start(lockstep: bool) -> Self {
        if lockstep {
            Self::Lockstep(0)
        } else {
            Self::Wall(Instant::now())
        }
    }

    pub fn now_ns(&self) -> u64 {
        match self {
            Self::Lockstep(now_ns) => *now_ns,
            Self::Wall(since) => since.elapsed().as_nanos() as u64,
        }
    }
}
