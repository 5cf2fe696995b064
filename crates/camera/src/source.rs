//! Where frames come from.

use crate::{CameraError, Picture};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// A picture, and when it was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Captured {
    /// When, by this machine's monotonic clock ([`monotonic_ns`]), nanoseconds.
    pub stamp_ns: u64,
    /// The picture as it came.
    pub picture: Picture,
    /// Frames that were lost since the one before.
    pub missed: u64,
}

/// Gives one picture after the other.
pub trait Source {
    /// The next picture; `None` where there is none within `patience`.
    ///
    /// # Errors
    /// When there will be no more.
    fn next(&mut self, patience: Duration) -> Result<Option<Captured>, CameraError>;

    /// Whether it has come to its end: a clip that is played once.
    fn ended(&self) -> bool {
        false
    }
}

/// This machine's monotonic clock, nanoseconds: what V4L2 drivers stamp frames with.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let rest = u64::try_from(now.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}
