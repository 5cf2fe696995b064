//! R17: a robot and its runtime for a long time. `--hours` says how long; without, for 20 s, in which memory
//! that is lost slowly does not show: only its growth is bounded then.

use crate::link_robot::LinkRobot;
use crate::measured::{open_files, resident_mb, slope};
use crate::stub_agent::{Swaying, fr3};
use crate::{Rows, Scale, episodes};
use anyhow::{Context as _, Result};
use apprentice_control::{ChunkingConfig, record_episodes};
use std::time::{Duration, Instant};

/// Episode after episode at 30 actions a second.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let mut description = fr3()?;
    description.policy_hz = 30.0;
    description.control_hz = 90.0;
    let lasts = if scale.hours > 0.0 {
        Duration::from_secs_f64(scale.hours * 3600.0)
    } else {
        Duration::from_secs(20)
    };
    // Episodes of a minute, or as short as lets some of them pass.
    let seconds = (lasts.as_secs_f64() / 10.0).clamp(2.0, 60.0);
    let ticks = (seconds * description.policy_hz) as u64;
    let robot = LinkRobot::start(description)?;
    let mut robots = [robot.control()?];
    let folder = tempfile::tempdir()?;
    let begun = Instant::now();
    let (mut memory, mut files) = (Vec::new(), Vec::new());
    let (mut count, mut held, mut commands) = (0, 0, 0);
    while begun.elapsed() < lasts || count < 3 {
        let plan = episodes::plan(&robot.description, folder.path(), &format!("soak-{count}"));
        let path = plan.path.clone();
        let mut agent = Swaying::new(&robot.description)?;
        record_episodes(
            &mut robots,
            &mut agent,
            &[plan],
            ticks,
            ChunkingConfig::default(),
            &|_, _| {},
            |_| true,
        )?;
        std::fs::remove_file(path)?;
        {
            let mut heard = robot.log();
            // The arm's watchdog waits 200 ms; before the first command and after the last it may well act.
            let gaps = heard.commands.windows(2).filter(|pair| match pair {
                [(before, _), (after, _)] => after - before > 200_000_000,
                _ => false,
            });
            held += gaps.count();
            commands += heard.commands.len();
            // What this row itself remembers must not look like a leak.
            heard.commands = Vec::new();
        }
        count += 1;
        memory.push((begun.elapsed().as_secs_f64() / 3600.0, resident_mb()?));
        files.push(open_files()?);
    }
    let what = format!(
        "{count} episodes of {seconds:.0} s, {commands} commands in {:.2} h",
        begun.elapsed().as_secs_f64() / 3600.0
    );
    // The first part fills caches and buffers.
    let settled = memory.get(memory.len() / 3..).unwrap_or_default();
    if scale.hours >= 0.5 {
        rows.at_most(format!("{what}: memory"), slope(settled), 1.0, "MB/h");
    } else {
        let (first, last) = (settled.first(), settled.last());
        let grown = last.context("no figure")?.1 - first.context("no figure")?.1;
        rows.at_most(
            format!("{what}: memory grown after the first third"),
            grown,
            8.0,
            "MB",
        );
    }
    let (first, last) = (files.get(files.len() / 3), files.last());
    rows.at_most(
        format!("{what}: open files more than after the first third"),
        *last.context("no figure")? as f64 - *first.context("no figure")? as f64,
        0.0,
        "",
    );
    rows.exactly(
        format!("{what}: times the arm missed its runtime"),
        held as u64,
        0,
    );
    let violations = robots.iter().map(|r| r.totals().violations).sum();
    rows.exactly(format!("{what}: commands beyond a limit"), violations, 0);
    Ok(())
}
