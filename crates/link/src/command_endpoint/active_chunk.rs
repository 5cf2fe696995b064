//! A chunk that the arm is following.

use crate::wire::Chunk;
use apprentice_core::JointCommand;

/// A chunk, when it came, and the point that is due next.
pub(super) struct ActiveChunk {
    pub chunk: Chunk,
    pub since_ns: u64,
    pub next: usize,
}

impl ActiveChunk {
    /// The newest point that is due and was not given before.
    pub fn due(&mut self, now_ns: u64) -> Option<JointCommand> {
        let passed = now_ns.saturating_sub(self.since_ns);
        let newest = (passed / u64::from(self.chunk.period_ns.max(1))) as usize;
        let newest = newest.min(self.chunk.points().saturating_sub(1));
        if newest < self.next {
            return None;
        }
        self.next = newest + 1;
        self.chunk.command(newest)
    }
}
