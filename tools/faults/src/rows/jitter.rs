//! JITTER: how late control ticks begin while a policy is fine-tuned on the same processors.

use crate::memory_robot::MemoryRobot;
use crate::program::Process;
use crate::stub_agent::{Swaying, fr3};
use crate::{Rows, Scale, episodes};
use anyhow::{Context as _, Result};
use apprentice_control::{ChunkingConfig, ControlLoop, RealTimeStats, record_episodes};
use apprentice_safety::GuardConfig;
use std::time::Duration;

/// 100 ticks a second for 5 s, 30 s in full.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let quiet = episode(2.0)?;
    let mut tuner = Process::start("fine-tuner", &[])?;
    // Once it is at it.
    tuner.line("step 2", Duration::from_secs(120))?;
    let figures = episode(scale.pick(5.0, 30.0))?;
    tuner.kill()?;
    let steps = tuner.rest();
    let last = steps.iter().rev().find_map(|l| l.strip_prefix("step "));
    let steps: f64 = last.context("the alignment took no step")?.parse()?;
    rows.at_least(
        "steps of the alignment meanwhile, of a policy of the default size",
        steps - 2.0,
        1.0,
        "steps",
    );
    rows.at_most(
        format!(
            "{} control ticks at 100 Hz beside it: lateness p99 (p50 {:.0}, most {:.0}; without it p99 {:.0})",
            figures.lateness_us.len(),
            figures.lateness(0.5),
            figures.lateness(1.0),
            quiet.lateness(0.99)
        ),
        figures.lateness(0.99),
        1_000.0,
        "us",
    );
    Ok(())
}

fn episode(seconds: f64) -> Result<RealTimeStats> {
    let mut description = fr3()?;
    description.control_hz = 100.0;
    let robot = MemoryRobot::new(description.clone(), false)?;
    let mut robots = [ControlLoop::new(robot.arm(), GuardConfig::default())?];
    let folder = tempfile::tempdir()?;
    let plan = episodes::plan(&description, folder.path(), "jitter");
    let mut agent = Swaying::new(&description)?;
    let ticks = (seconds * description.policy_hz) as u64;
    Ok(record_episodes(
        &mut robots,
        &mut agent,
        &[plan],
        ticks,
        ChunkingConfig::default(),
        &|_, _| {},
        |_| true,
    )?)
}
