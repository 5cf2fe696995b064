//! What a robot's time was like while its agent computed.

/// What an episode in real time was like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RealTimeStats {
    /// Policy ticks for which nothing had been decided.
    pub starved: u64,
    /// Decisions, and the longest time one took, milliseconds.
    pub decisions: u64,
    /// See above.
    pub slowest_ms: f64,
    /// Largest difference of a number of the action from one tick to the next.
    pub largest_jump: f64,
    /// How late control ticks began, microseconds, sorted.
    pub lateness_us: Vec<f64>,
}

impl RealTimeStats {
    /// The lateness that this share (0 to 1) of the control ticks kept, microseconds.
    #[must_use]
    pub fn lateness(&self, share: f64) -> f64 {
        let last = self.lateness_us.len().saturating_sub(1) as f64;
        let place = (last * share.clamp(0.0, 1.0)).round() as usize;
        self.lateness_us.get(place).copied().unwrap_or(0.0)
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.starved += other.starved;
        self.decisions += other.decisions;
        self.slowest_ms = self.slowest_ms.max(other.slowest_ms);
        self.largest_jump = self.largest_jump.max(other.largest_jump);
        self.lateness_us.extend(other.lateness_us);
        self.lateness_us.sort_by(f64::total_cmp);
    }
}
