//! R3: cameras that stall, lose frames, freeze, or send frames in the wrong order and twice.

use crate::link_robot::LinkRobot;
use crate::measured::ms;
use crate::stub_agent::{Swaying, fr3};
use crate::{Rows, Scale, episodes};
use anyhow::{Context as _, Result, bail, ensure};
use apprentice_control::{ChunkingConfig, ControlError, record_episodes};
use apprentice_episode::Episode;
use apprentice_link::{Arm as _, Freshness, LinkError};
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// Pictures a camera that hangs may repeat for so long, seconds.
const FROZEN_AFTER_S: f64 = 0.5;

/// Each in an episode of its own.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let mut description = fr3()?;
    for camera in &mut description.cameras {
        camera.frozen_after_s = Some(FROZEN_AFTER_S);
    }
    let robot = LinkRobot::start(description)?;
    let folder = tempfile::tempdir()?;
    let folder = folder.path();

    let short = episode(&robot, folder, "short", 40, |robot| {
        robot.faults.blind.store(true, Relaxed);
        sleep(Duration::from_millis(500));
        robot.faults.blind.store(false, Relaxed);
    })?;
    rows.exactly(
        "cameras stall for 500 ms: episodes that went on to their end",
        u64::from(short.error.is_none()),
        1,
    );
    rows.exactly(
        "cameras stall for 500 ms: commands beyond a limit, so that no step was larger than allowed",
        short.violations,
        0,
    );

    let long = episode(&robot, folder, "long", 200, |robot| {
        robot.faults.blind.store(true, Relaxed);
        sleep(Duration::from_secs(5));
        robot.faults.blind.store(false, Relaxed);
    })?;
    let stale = matches!(&long.error, Some(ControlError::Link(LinkError::Stale { key, .. })) if key.contains("/camera/"));
    rows.exactly(
        "cameras stall for 5 s: episodes ended, the camera named",
        u64::from(stale),
        1,
    );
    rows.at_most(
        "cameras stall for 5 s: until the episode is ended and the arm at rest",
        ms(long.took),
        2_000.0,
        "ms",
    );
    let kept = Episode::open(folder.join("long.mcap"))?;
    rows.exactly(
        "cameras stall for 5 s: its file reads, marked as cut off",
        u64::from(!kept.complete && !kept.ticks.is_empty()),
        1,
    );
    rows.exactly(
        "cameras stall for 5 s: commands beyond a limit",
        long.violations,
        0,
    );

    for percent in [10, 30, 50] {
        robot.faults.lost_percent.store(percent, Relaxed);
        let ticks = scale.pick(60, 200);
        let lossy = episode(&robot, folder, &format!("lossy-{percent}"), ticks, |_| {})?;
        robot.faults.lost_percent.store(0, Relaxed);
        rows.exactly(
            format!(
                "{percent} % of frames lost: {ticks} ticks {}, {} commands braked; beyond a limit",
                match &lossy.error {
                    None => "carried out",
                    Some(ControlError::Link(LinkError::Stale { .. })) =>
                        "not all carried out, the camera named",
                    Some(other) => bail!("{percent} % of frames lost: {other}"),
                },
                lossy.braked
            ),
            lossy.violations,
            0,
        );
    }

    let frozen = episode(&robot, folder, "frozen", 200, |robot| {
        robot.faults.frozen.store(true, Relaxed);
        sleep(Duration::from_millis(1500));
        robot.faults.frozen.store(false, Relaxed);
    })?;
    let said = matches!(
        &frozen.error,
        Some(ControlError::Link(LinkError::Frozen { .. }))
    );
    rows.exactly("pictures freeze: said to be frozen", u64::from(said), 1);
    rows.at_most(
        "pictures freeze: until the episode is ended",
        ms(frozen.took),
        1_000.0,
        "ms",
    );

    shuffled(&robot, rows)
}

struct Ended {
    error: Option<ControlError>,
    /// From the fault to the end of the episode.
    took: Duration,
    violations: u64,
    braked: u64,
}

/// Runs an episode, with the fault after 1.5 s of it.
fn episode(
    robot: &LinkRobot,
    folder: &Path,
    name: &str,
    ticks: u64,
    fault: impl FnOnce(&LinkRobot) + Send,
) -> Result<Ended> {
    let mut robots = [robot.control()?];
    let plan = episodes::plan(&robot.description, folder, name);
    let mut agent = Swaying::new(&robot.description)?;
    let (ended, at, begun) = scope(|scope| {
        let fault = scope.spawn(|| {
            sleep(Duration::from_millis(1500));
            let begun = Instant::now();
            fault(robot);
            begun
        });
        let ended = record_episodes(
            &mut robots,
            &mut agent,
            &[plan],
            ticks,
            ChunkingConfig::default(),
            &|_, _| {},
            |_| true,
        );
        (ended, Instant::now(), fault.join())
    });
    let begun = begun.ok().context("the fault itself failed")?;
    let totals = robots.first().map(|r| r.totals()).unwrap_or_default();
    Ok(Ended {
        error: ended.err(),
        took: at.saturating_duration_since(begun),
        violations: totals.violations,
        braked: totals.reasons.of(apprentice_safety::Intervention::Stale),
    })
}

/// Whoever looks sees numbers that only rise.
fn shuffled(robot: &LinkRobot, rows: &mut Rows) -> Result<()> {
    let link = robot.link()?;
    robot.faults.shuffled.store(true, Relaxed);
    let within = Freshness {
        state: Duration::from_secs(1),
        frame: Duration::from_secs(1),
    };
    let (mut newest, mut back, mut seen) = (0, 0, 0);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        let frame = link.latest(true, within)?.frames;
        let number = frame.first().context("no frame")?.sequence;
        back += u64::from(number < newest);
        seen += u64::from(number > newest);
        newest = number;
        sleep(Duration::from_millis(1));
    }
    robot.faults.shuffled.store(false, Relaxed);
    ensure!(seen >= 5, "only {seen} frames came");
    rows.exactly(
        format!("frames in the wrong order and twice, {seen} used: times an older one was used"),
        back,
        0,
    );
    Ok(())
}
