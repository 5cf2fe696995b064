//! Has success fallen below what was promised? Asked after every episode, for as long as one likes.
//!
//! A Bernoulli CUSUM (Page 1954; Reynolds and Stoumbos 1999): failures add the log-likelihood ratio of a success rate
//! of two thirds of the promised one, successes take theirs away, and the sum never falls below 0. Scores are whole
//! numbers, so that the sum is a Markov chain of few states, and the alarm's limit is the smallest at which that
//! chain raises a false alarm within the horizon with at most nine tenths of the probability asked for: exactly, not
//! asymptotically. The tenth that is left is for what the chain leaves out, such as episodes that are a little alike, and
//! costs less than one episode of delay. A success rate above the promised one raises fewer.

use crate::error::{StatisticsError, share};
use serde::{Deserialize, Serialize};

/// Points of score per unit of log-likelihood.
const POINTS: f64 = 50.0;
/// The success rate that the scores are made for, as a part of the promised one.
const FALLEN: f64 = 2.0 / 3.0;
/// Part of the rate of false alarms that the chain may use up.
const USED: f64 = 0.9;

/// Watches successes for a fall below a promised rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeDetector {
    success_takes: usize,
    failure_adds: usize,
    limit: usize,
    sum: usize,
    alarm: bool,
}

impl ChangeDetector {
    /// Watches for success below `promised` (0.05 to 0.999); while success is as promised or better, it raises an alarm
    /// within `horizon` episodes with a probability of at most `error`.
    ///
    /// # Errors
    ///
    /// If `promised` or `error` are out of range, or `horizon` is not 1 to 10,000.
    pub fn new(promised: f64, error: f64, horizon: u32) -> Result<Self, StatisticsError> {
        if !(0.05..=0.999).contains(&promised) {
            return Err(StatisticsError::OutOfRange {
                what: "the promised success rate",
                got: promised,
                allowed: "at least 0.05 and at most 0.999",
            });
        }
        let error = share("the rate of false alarms", error)?;
        if !(1..=10_000).contains(&horizon) {
            return Err(StatisticsError::OutOfRange {
                what: "the number of episodes in which false alarms are counted",
                got: f64::from(horizon),
                allowed: "at least 1 and at most 10000",
            });
        }
        let points = |ratio: f64| ((ratio.ln().abs() * POINTS).round() as usize).max(1);
        let failure_adds = points((1.0 - FALLEN * promised) / (1.0 - promised));
        let success_takes = points(FALLEN);
        let quiet = |limit: usize| {
            false_alarms(promised, success_takes, failure_adds, limit, horizon) <= USED * error
        };
        let mut high = failure_adds;
        while !quiet(high) {
            high *= 2;
        }
        let mut low = high / 2;
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            if quiet(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(Self {
            success_takes,
            failure_adds,
            limit: high,
            sum: 0,
            alarm: false,
        })
    }

    /// One episode, and whether it succeeded; true once success has fallen, and from then on.
    pub fn observe(&mut self, success: bool) -> bool {
        self.sum = if success {
            self.sum.saturating_sub(self.success_takes)
        } else {
            self.sum.saturating_add(self.failure_adds).min(self.limit)
        };
        self.alarm |= self.sum >= self.limit;
        self.alarm
    }

    /// Whether success has fallen.
    #[must_use]
    pub fn alarm(&self) -> bool {
        self.alarm
    }

    /// The probability of an alarm within `horizon` episodes after a fresh start while they succeed at `rate` (0 to 1);
    /// exact where episodes are independent.
    #[must_use]
    pub fn alarm_probability(&self, rate: f64, horizon: u32) -> f64 {
        false_alarms(
            rate,
            self.success_takes,
            self.failure_adds,
            self.limit,
            horizon,
        )
    }

    /// How near the alarm is: 0 to 1.
    #[must_use]
    pub fn level(&self) -> f64 {
        self.sum as f64 / self.limit as f64
    }
}

/// The probability that the sum reaches `limit` within `horizon` episodes at a success rate of `promised`.
fn false_alarms(promised: f64, takes: usize, adds: usize, limit: usize, horizon: u32) -> f64 {
    let mut at = vec![0.0; limit];
    let mut next = vec![0.0; limit];
    if let Some(start) = at.first_mut() {
        *start = 1.0;
    }
    let mut alarms = 0.0;
    for _ in 0..horizon {
        next.fill(0.0);
        for (sum, probability) in at.iter().enumerate() {
            next[sum.saturating_sub(takes)] += promised * probability;
            match next.get_mut(sum + adds) {
                Some(place) => *place += (1.0 - promised) * probability,
                None => alarms += (1.0 - promised) * probability,
            }
        }
        std::mem::swap(&mut at, &mut next);
    }
    alarms
}
