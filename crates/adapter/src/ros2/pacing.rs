//! Keeping commands to the speed that a controller allows: what it slows down or stops must not be caught up
//! with in a jump.

use std::time::{Duration, Instant};

/// The newest word on how much of the commanded speed is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Scale {
    /// 1 is all of it.
    pub share: f64,
    /// When it came.
    pub came: Option<Instant>,
}

impl Scale {
    /// What holds now: nothing without news.
    pub fn now(&self, stale: Duration) -> f64 {
        match self.came {
            Some(came) if came.elapsed() <= stale && self.share.is_finite() => {
                self.share.clamp(0.0, 1.0)
            }
            _ => 0.0,
        }
    }
}

/// Lets targets through at no more than joint speeds times a share.
pub(super) struct Pacer {
    /// Farthest in one control period at full speed, rad (or the joint's unit).
    steps: Vec<f64>,
    /// What went out last.
    at: Option<Vec<f64>>,
}

impl Pacer {
    /// `speeds` in rad/s (or the joint's unit), `hz` commands a second.
    pub fn new(speeds: impl Iterator<Item = f64>, hz: f64) -> Self {
        Self {
            steps: speeds.map(|v| v / hz).collect(),
            at: None,
        }
    }

    /// Begins anew at whatever is let through next.
    pub fn restart(&mut self) {
        self.at = None;
    }

    /// Where to go now on the way to `target`: there, or as far as `share` allows, along a straight line. At
    /// a share of 0 it stays where the arm was measured when it stopped.
    pub fn pace(&mut self, target: &[f64], measured: &[f64], share: f64) -> Vec<f64> {
        let at = match &self.at {
            Some(at) => at.clone(),
            None if share > 0.0 => target.to_vec(),
            None => measured.to_vec(),
        };
        let furthest = at
            .iter()
            .zip(target)
            .zip(&self.steps)
            .map(|((from, to), step)| (to - from).abs() / step)
            .fold(0.0f64, f64::max);
        // Rounding must not bind what is just within its limits.
        let part = if furthest <= share * (1.0 + 1e-6) {
            1.0
        } else {
            share / furthest
        };
        let next: Vec<f64> = if part >= 1.0 {
            target.to_vec()
        } else {
            let each = at.iter().zip(target);
            each.map(|(from, to)| from + (to - from) * part).collect()
        };
        self.at = Some(next.clone());
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_caught_up_with_in_a_jump() {
        let mut pacer = Pacer::new([1.0, 2.0].into_iter(), 100.0);
        let target = |i: usize| [i as f64 * 0.008, 0.1];
        for i in 0..50 {
            assert_eq!(pacer.pace(&target(i), &[0.0, 0.1], 1.0), target(i));
        }
        let stopped = pacer.pace(&target(50), &[0.3, 0.1], 0.0);
        assert_eq!(stopped, target(49));
        for i in 51..100 {
            assert_eq!(pacer.pace(&target(i), &[0.3, 0.1], 0.0), stopped);
        }
        // Back at half speed, then at all of it: steps keep to the share until the target is met.
        let mut before = stopped;
        for i in 100..400 {
            let share = if i < 150 { 0.5 } else { 1.0 };
            let next = pacer.pace(&target(100), &[0.3, 0.1], share);
            assert!((next[0] - before[0]).abs() <= 0.01 * share * 1.001, "{i}");
            before = next;
        }
        assert_eq!(before, target(100));
    }

    #[test]
    fn begun_while_stopped_it_stays_where_it_is() {
        let mut pacer = Pacer::new([1.0].into_iter(), 100.0);
        assert_eq!(pacer.pace(&[0.5], &[0.2], 0.0), [0.2]);
        let next = pacer.pace(&[0.5], &[0.2], 1.0);
        assert!((next[0] - 0.21).abs() < 1e-12);
        pacer.restart();
        assert_eq!(pacer.pace(&[0.5], &[0.2], 1.0), [0.5]);
    }

    #[test]
    fn without_news_nothing_is_allowed() {
        let stale = Duration::from_millis(50);
        let at = |share, came| Scale { share, came }.now(stale);
        assert_eq!(at(1.0, None), 0.0);
        assert_eq!(at(0.3, Some(Instant::now())), 0.3);
        assert_eq!(at(7.0, Some(Instant::now())), 1.0);
        assert_eq!(at(f64::NAN, Some(Instant::now())), 0.0);
        let old = Instant::now()
            .checked_sub(Duration::from_millis(60))
            .unwrap();
        assert_eq!(at(1.0, Some(old)), 0.0);
    }
}
