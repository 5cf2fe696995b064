//! How long the policy computes, in ticks of the previous chunk.

use std::collections::VecDeque;
use std::time::Duration;

/// The newest measured delays between an observation and the chunk planned from it. The longest of them
/// is the forecast for the next one, as in real-time chunking (Black et al. 2025, arXiv 2506.07339,
/// algorithm 1): too long a frozen prefix costs a little reaction, too short a one a jump.
#[derive(Clone, Debug)]
pub struct InferenceDelays {
    recent: VecDeque<usize>,
    most: usize,
}

impl InferenceDelays {
    /// Remembers the newest `most` delays, one at least.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        Self {
            recent: VecDeque::with_capacity(most),
            most,
        }
    }

    /// Notes how long a plan took, from the moment its observation was made to the moment its chunk was
    /// there, and answers it in ticks of `period`: how many actions of the old chunk began meanwhile.
    /// Where there is no period, every delay is 0 ticks.
    pub fn record(&mut self, took: Duration, period: Duration) -> usize {
        let ticks = match period.as_nanos() {
            0 => 0,
            period => took.as_nanos().div_ceil(period),
        };
        let ticks = usize::try_from(ticks).unwrap_or(usize::MAX);
        if self.recent.len() >= self.most {
            self.recent.pop_front();
        }
        self.recent.push_back(ticks);
        ticks
    }

    /// Ticks the next plan may take: the most of those remembered, 0 before the first.
    #[must_use]
    pub fn forecast(&self) -> usize {
        self.recent.iter().copied().max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forecast_is_the_longest_of_the_newest_delays_in_whole_ticks() {
        let mut delays = InferenceDelays::new(3);
        assert_eq!(delays.forecast(), 0);
        let mut found = Vec::new();
        for ms in [0, 201, 100, 1, 5] {
            let ticks = delays.record(Duration::from_millis(ms), Duration::from_millis(100));
            found.push((ticks, delays.forecast()));
        }
        assert_eq!(found, [(0, 0), (3, 3), (1, 3), (1, 3), (1, 1)]);
    }

    #[test]
    fn no_period_and_no_room_are_no_panic() {
        let mut delays = InferenceDelays::new(0);
        assert_eq!(delays.record(Duration::MAX, Duration::ZERO), 0);
        delays.record(Duration::MAX, Duration::from_nanos(1));
        assert_eq!(delays.forecast(), usize::MAX);
    }
}
