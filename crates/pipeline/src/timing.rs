//! How punctual control was while a folder was recorded in real time, kept beside its outcomes.

use crate::context::Context;
use crate::run_dir::RunDir;
use anyhow::Result;
use apprentice_control::RealTimeStats;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How punctual control was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// How many control ticks were late by so many whole units of 10 microseconds.
    pub late_by_10_us: BTreeMap<u64, u64>,
    /// Policy ticks for which nothing had been decided in time.
    pub late_actions: u64,
    /// Decisions of the policy.
    pub decisions: u64,
    /// The longest that one took, milliseconds.
    pub slowest_ms: f64,
}

impl Timing {
    /// Control ticks.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.late_by_10_us.values().sum()
    }

    /// The lateness that this share (0 to 1) of the control ticks kept, microseconds, rounded up to 10.
    #[must_use]
    pub fn lateness_us(&self, share: f64) -> u64 {
        let wanted = (self.ticks() as f64 * share.clamp(0.0, 1.0)).ceil() as u64;
        let mut counted = 0;
        for (late, count) in &self.late_by_10_us {
            counted += count;
            if counted >= wanted {
                return (late + 1) * 10;
            }
        }
        0
    }

    /// Control ticks that were late by more than so many microseconds.
    #[must_use]
    pub fn later_than_us(&self, limit: u64) -> u64 {
        (self.late_by_10_us.range(limit / 10..))
            .map(|(_, count)| count)
            .sum()
    }

    fn add(&mut self, figures: &RealTimeStats) {
        for late in &figures.lateness_us {
            *self.late_by_10_us.entry((late / 10.0) as u64).or_default() += 1;
        }
        self.late_actions += figures.starved;
        self.decisions += figures.decisions;
        self.slowest_ms = self.slowest_ms.max(figures.slowest_ms);
    }
}

/// Where the timing of a folder is kept.
fn file(folder: &str) -> String {
    format!("timing/{}.json", folder.replace('/', "-"))
}

/// Adds what a group of episodes was like, if it was in real time.
///
/// # Errors
/// When it cannot be written.
pub fn add(context: &Context, folder: &str, figures: &RealTimeStats) -> Result<()> {
    if figures.lateness_us.is_empty() {
        return Ok(());
    }
    let mut timing = of(&context.dir, folder);
    timing.add(figures);
    context.dir.write(&file(folder), &timing)
}

/// The timing of a folder; nothing where nothing was in real time.
#[must_use]
pub fn of(dir: &RunDir, folder: &str) -> Timing {
    dir.read(&file(folder)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_late_ticks_are_those_of_all_groups() {
        let mut timing = Timing::default();
        for late in [5.0, 1500.0] {
            timing.add(&RealTimeStats {
                starved: 1,
                decisions: 3,
                slowest_ms: late,
                lateness_us: (0..99).map(f64::from).chain([late]).collect(),
                ..RealTimeStats::default()
            });
        }
        assert_eq!((timing.ticks(), timing.late_actions), (200, 2));
        assert_eq!(timing.lateness_us(0.5), 50);
        assert_eq!(
            (timing.lateness_us(0.99), timing.lateness_us(1.0)),
            (100, 1510)
        );
        assert_eq!((timing.later_than_us(1000), timing.decisions), (1, 6));
        assert_eq!(Timing::default().lateness_us(0.99), 0);
    }
}
