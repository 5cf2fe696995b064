//! R12: a policy that takes long to decide, and not always as long.

use crate::memory_robot::MemoryRobot;
use crate::stub_agent::{Swaying, fr3};
use crate::{Rows, Scale, episodes};
use anyhow::Result;
use apprentice_control::{Blending, ChunkingConfig, ControlLoop, record_episodes};
use apprentice_safety::GuardConfig;
use std::time::Duration;

/// 10 to 400 ms with a jitter of a quarter, at 10 and 30 actions a second, switching and averaging.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let latencies: &[u64] = scale.pick(&[50, 400], &[10, 50, 100, 200, 400]);
    let seconds = scale.pick(2.0, 10.0);
    let folder = tempfile::tempdir()?;
    for hertz in [10.0, 30.0] {
        for blending in [Blending::Switch, Blending::Ensemble] {
            for &latency in latencies {
                let mut description = fr3()?;
                description.policy_hz = hertz;
                description.control_hz = 90.0;
                let robot = MemoryRobot::new(description.clone(), false)?;
                let mut robots = [ControlLoop::new(robot.arm(), GuardConfig::default())?];
                let latency = Duration::from_millis(latency);
                let mut agent = Swaying::new(&description)?.taking(latency, latency / 4);
                let name = format!("{hertz}-{blending:?}-{}", latency.as_millis());
                let ticks = (seconds * hertz) as u64;
                let figures = record_episodes(
                    &mut robots,
                    &mut agent,
                    &[episodes::plan(&description, folder.path(), &name)],
                    ticks,
                    ChunkingConfig {
                        blending,
                        latency_ms: 0,
                    },
                    &|_, _| {},
                    |_| true,
                )?;
                let period_us = 1e6 / description.control_hz;
                let late = figures
                    .lateness_us
                    .iter()
                    .filter(|l| **l > period_us)
                    .count();
                let what = format!(
                    "{hertz} Hz, {} ms +- a quarter, {blending:?}: {ticks} ticks, {} decisions, largest step of an action {:.4}, {late} of {} control ticks a period late",
                    latency.as_millis(),
                    figures.decisions,
                    figures.largest_jump,
                    figures.lateness_us.len()
                );
                let missed = figures.starved as f64 / ticks as f64 * 100.0;
                // Half a chunk is left when a decision is begun.
                let reach = Duration::from_secs_f64(8.0 / hertz);
                if latency * 5 / 4 < reach.mul_f64(0.8) {
                    rows.at_most(
                        format!("{what}: ticks without a decision"),
                        missed,
                        0.0,
                        "%",
                    );
                } else {
                    rows.report(format!("{what}: ticks without a decision"), missed, "%");
                }
                let (violations, first) = robot.violations();
                rows.exactly(
                    format!("the same: steps of what left the guard beyond a limit {first}"),
                    violations,
                    0,
                );
            }
        }
    }
    Ok(())
}
