//! JITTER: how late control ticks begin while two threads compute as training does.

use crate::child::busy;
use crate::memory_robot::MemoryRobot;
use crate::stub_agent::{Swaying, fr3};
use crate::{Rows, Scale, episodes};
use anyhow::Result;
use apprentice_control::{ControlLoop, LiveFigures, Thinking, record_episodes};
use apprentice_safety::GuardConfig;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::scope;

/// 100 ticks a second for 5 s, 30 s in full.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let seconds = scale.pick(5.0, 30.0);
    let quiet = episode(2.0, false)?;
    let figures = episode(seconds, true)?;
    rows.at_most(
        format!(
            "{} control ticks at 100 Hz beside two busy threads: lateness p99 (p50 {:.0}, most {:.0}; without them p99 {:.0})",
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

fn episode(seconds: f64, beside: bool) -> Result<LiveFigures> {
    let mut description = fr3()?;
    description.control_hz = 100.0;
    let robot = MemoryRobot::new(description.clone(), false)?;
    let mut robots = [ControlLoop::new(robot.arm(), GuardConfig::default())?];
    let folder = tempfile::tempdir()?;
    let plan = episodes::plan(&description, folder.path(), "jitter");
    let mut agent = Swaying::new(&description)?;
    let ticks = (seconds * description.policy_hz) as u64;
    let done = AtomicBool::new(!beside);
    scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    std::hint::black_box(busy());
                }
            });
        }
        let figures = record_episodes(
            &mut robots,
            &mut agent,
            &[plan],
            ticks,
            Thinking::default(),
            &|_, _| {},
            |_| true,
        );
        done.store(true, Relaxed);
        Ok(figures?)
    })
}
