//! R11: clocks that jump by an hour or differ by seconds.

use crate::link_robot::LinkRobot;
use crate::memory_robot::MemoryRobot;
use crate::stub_agent::{Swaying, beside_home, fr3};
use crate::{Rows, Scale, episodes};
use anyhow::{Context as _, Result};
use apprentice_control::{ChunkingConfig, ControlLoop, record_episodes};
use apprentice_core::{JointCommand, Seed};
use apprentice_episode::Episode;
use apprentice_link::{Arm as _, Freshness};
use apprentice_safety::{GuardConfig, Intervention};
use rand::Rng as _;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::sleep;
use std::time::Duration;

const HOUR_NS: i64 = 3_600_000_000_000;
/// What clocks are off by, nanoseconds.
const OFF: [i64; 5] = [0, HOUR_NS, -HOUR_NS, 2_000_000_000, -2_000_000_000];

/// Of commands, of states, and of a robot that is being recorded.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    at_the_robot(scale, rows)?;
    at_the_runtime(scale, rows)?;
    recorded(rows)
}

fn at_the_robot(scale: Scale, rows: &mut Rows) -> Result<()> {
    let mut description = fr3()?;
    description.control_hz = 200.0;
    let robot = LinkRobot::start(description)?;
    let mut link = robot.link()?;
    link.engage()?;
    let (mut rng, commands) = (Seed(11).rng(), scale.pick(400, 2_000));
    let mut stamp: u64 = 2 * HOUR_NS as u64;
    for sequence in 1..=commands {
        stamp = match rng.random_range(0..10) {
            0 => 0,
            1 => u64::MAX,
            _ => stamp.saturating_add_signed(OFF[rng.random_range(0..OFF.len())]),
        };
        link.send(&JointCommand {
            sequence,
            stamp_ns: stamp,
            positions: robot.description.home.clone(),
            gripper_width: 0.04,
        })?;
        sleep(Duration::from_millis(5));
    }
    let all = |h: &crate::link_robot::CommandLog| h.status.is_some_and(|s| s.accepted >= commands);
    robot.wait_for(Duration::from_secs(1), all);
    let status = robot.log().status.context("no status")?;
    rows.exactly(
        format!("{commands} commands with stamps that jump by 2 s, 1 h and all there is: obeyed"),
        status.accepted,
        commands,
    );
    Ok(())
}

fn at_the_runtime(scale: Scale, rows: &mut Rows) -> Result<()> {
    let robot = LinkRobot::start(fr3()?)?;
    let link = robot.link()?;
    let within = Freshness {
        state: Duration::from_millis(300),
        frame: Duration::from_millis(700),
    };
    link.latest(true, within)?;
    let mut control = robot.control()?;
    control.reset(1)?;
    let action = beside_home(&robot.description, 0.02)?;
    let (mut looked, mut refused) = (0, 0);
    for off in OFF.into_iter().cycle().take(scale.pick(10, 40)) {
        robot.faults.skew_ns.store(off, Relaxed);
        for _ in 0..3 {
            looked += 1;
            refused += u64::from(link.latest(true, within).is_err());
            let acted = control.act(&action, control.now_ns())?;
            refused += u64::from(acted.interventions.contains(Intervention::Stale));
        }
    }
    rows.exactly(
        format!("{looked} looks and actions while a robot's clock jumps: refused or stale"),
        refused,
        0,
    );
    Ok(())
}

/// A clock that is set back must not end a recording.
fn recorded(rows: &mut Rows) -> Result<()> {
    let description = fr3()?;
    let robot = MemoryRobot::new(description.clone(), false)?;
    robot.skew(2 * HOUR_NS);
    let folder = tempfile::tempdir()?;
    let plan = episodes::plan(&description, folder.path(), "jumps");
    let path = plan.path.clone();
    let mut robots = [ControlLoop::new(robot.arm(), GuardConfig::default())?];
    let mut agent = Swaying::new(&description)?;
    let jumps = |_: usize, tick: &apprentice_episode::Tick| {
        let off = OFF[(tick.index / 3) as usize % OFF.len()];
        robot.skew(2 * HOUR_NS + off);
    };
    let ticks = 30;
    let ended = record_episodes(
        &mut robots,
        &mut agent,
        &[plan],
        ticks,
        ChunkingConfig::default(),
        &jumps,
        |_| true,
    );
    let kept = Episode::open(path)?.ticks.len() as u64;
    rows.exactly(
        format!(
            "ticks of an episode kept while the robot's clock jumps{}",
            ended.err().map(|e| format!(": {e}")).unwrap_or_default()
        ),
        kept,
        ticks,
    );
    Ok(())
}
