//! From where an episode's numbers count.

use apprentice_core::Observation;
use std::cell::Cell;

/// The first sequence numbers of an episode. Recorded ones count from there: gaps stay visible, and
/// the same episode gives the same file whatever the robot did before.
pub(crate) struct EpisodeOrigin {
    state: u64,
    frames: Vec<u64>,
    /// The latest stamp that was recorded.
    stamp_ns: Cell<u64>,
}

impl EpisodeOrigin {
    pub fn of(observation: &Observation) -> Self {
        Self {
            state: observation.state.sequence,
            frames: observation.frames.iter().map(|f| f.sequence).collect(),
            stamp_ns: Cell::new(0),
        }
    }

    /// The stamp of a tick. A robot's clock may be set back while it runs; an episode only goes on.
    pub fn monotonic_stamp(&self, stamp_ns: u64) -> u64 {
        self.stamp_ns.set(self.stamp_ns.get().max(stamp_ns));
        self.stamp_ns.get()
    }

    pub fn renumber(&self, observation: &mut Observation) {
        let state = &mut observation.state.sequence;
        *state = state.saturating_sub(self.state);
        for (frame, first) in observation.frames.iter_mut().zip(&self.frames) {
            frame.sequence = frame.sequence.saturating_sub(*first);
        }
    }
}
