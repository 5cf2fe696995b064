//! Records episodes until it is killed, or until the disk is full.

use crate::episodes;
use crate::measured::ms;
use crate::memory_robot::MemoryRobot;
use crate::stub_agent::{Swaying, fr3};
use anyhow::{Context as _, Result, ensure};
use apprentice_control::{ChunkingConfig, ControlError, ControlLoop, record_episodes};
use apprentice_episode::{Catalog, EpisodeError, EpisodeWriter};
use apprentice_robot::RobotDescription;
use apprentice_safety::GuardConfig;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Records one episode in `folder`, `hertz` ticks a second or as fast as it can, and prints the number of each
/// tick once it is acknowledged, with the time since the first (ns), until killed.
pub fn run(folder: &Path, name: &str, hertz: f64) -> Result<()> {
    let mut robot = fr3()?;
    for camera in &mut robot.cameras {
        (camera.width, camera.height) = (48, 48);
    }
    let plan = episodes::plan(&robot, folder, name);
    let mut writer = EpisodeWriter::create(&plan.path, &plan.meta)?;
    let (since, mut out) = (Instant::now(), std::io::stdout().lock());
    for index in 0.. {
        writer.tick(&episodes::tick(&robot, index))?;
        writeln!(out, "kept {index} {}", since.elapsed().as_nanos())?;
        out.flush()?;
        if hertz > 0.0 {
            let due = Duration::from_secs_f64((index + 1) as f64 / hertz);
            std::thread::sleep(due.saturating_sub(since.elapsed()));
        }
    }
    Ok(())
}

/// What came of a disk that got full while a robot was running.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FullDisk {
    /// From the tick that did not fit until the session said so, milliseconds.
    pub reported_ms: f64,
    /// What was said.
    pub error: String,
    /// Ticks that were kept according to it, and that are in the file.
    pub kept: (u64, u64),
    /// How late control ticks were, 99 of 100, milliseconds: with room, and in the last seconds before the
    /// disk was full and after.
    pub lateness_ms: (f64, f64),
    /// Episodes of before that can be read, of how many, and files that cannot.
    pub readable: (usize, usize, usize),
    /// Commands the checker objected to.
    pub violations: u64,
}

/// Fills the file system of `folder` by recording, and prints what comes of it.
pub fn fill(folder: &Path) -> Result<()> {
    let mut robot = fr3()?;
    robot.control_hz = 100.0;
    robot.policy_hz = 20.0;
    for camera in &mut robot.cameras {
        (camera.width, camera.height) = (128, 128);
    }
    let earlier = 3;
    for index in 0..earlier {
        let plan = episodes::plan(&robot, folder, &format!("earlier-{index}"));
        let mut writer = EpisodeWriter::create(&plan.path, &plan.meta)?;
        for tick in 0..3 {
            writer.tick(&episodes::tick(&robot, tick))?;
        }
        writer.finish()?;
    }
    // The same without a full disk, for comparison: in memory, and short.
    let aside = tempfile::tempdir_in("/dev/shm")?;
    let (before, ended, _) = record(&robot, aside.path(), 40)?;
    ended.context("recording with room enough")?;
    let (lateness, ended, told) = record(&robot, folder, 2_000)?;
    let Err(error) = ended else {
        anyhow::bail!("the disk did not get full");
    };
    let noticed = Instant::now();
    let words = error.to_string();
    let listed = Catalog::open(folder).or_else(|_| {
        // Without room the list cannot be written down; one of the files makes some.
        std::fs::remove_file(folder.join("earlier-0.mcap"))?;
        Catalog::open(folder).map_err(anyhow::Error::from)
    })?;
    let entry = listed
        .entries()
        .iter()
        .find(|e| e.file.starts_with("full"))
        .context("the episode that was cut is not listed")?;
    ensure!(
        !entry.complete,
        "the episode that was cut reads as complete"
    );
    let kept = match error {
        ControlError::Episode(EpisodeError::DiskFull { ticks, .. }) => ticks,
        _ => entry.ticks as u64,
    };
    let when = told.get(kept as usize).copied().unwrap_or(noticed);
    let missing = earlier - listed.entries().iter().filter(|e| e.complete).count();
    let figures = FullDisk {
        reported_ms: ms(noticed.saturating_duration_since(when)),
        error: words,
        kept: (kept, entry.ticks as u64),
        lateness_ms: (before.0, lateness.0),
        readable: (earlier - missing, earlier, listed.unreadable().len()),
        violations: before.1 + lateness.1,
    };
    println!("full {}", serde_json::to_string(&figures)?);
    Ok(())
}

/// How late commands were and how many crossed a limit; how it ended; when each tick was there.
type Recording = ((f64, u64), Result<(), ControlError>, Vec<Instant>);

fn record(robot: &RobotDescription, folder: &Path, ticks: u64) -> Result<Recording> {
    let body = MemoryRobot::new(robot.clone(), false)?
        .noisy()
        .keeping_times();
    let mut robots = [ControlLoop::new(body.arm(), GuardConfig::default())?];
    let told = Mutex::new(Vec::new());
    let mut agent = Swaying::new(robot)?;
    let ended = record_episodes(
        &mut robots,
        &mut agent,
        &[episodes::plan(robot, folder, "full")],
        ticks,
        ChunkingConfig::default(),
        &|_, _| {
            if let Ok(mut told) = told.lock() {
                told.push(Instant::now());
            }
        },
        |_| true,
    );
    let times = body.times();
    // The newest two seconds: with a disk that got full, these are the ones around it.
    let newest = times
        .len()
        .saturating_sub((2.0 * robot.control_hz) as usize);
    let late = crate::measured::gaps_beyond(
        times.get(newest..).unwrap_or_default(),
        Duration::from_secs_f64(1.0 / robot.control_hz),
    );
    let lateness = crate::measured::quantile(&late, 0.99);
    let told = told.into_inner().unwrap_or_default();
    Ok(((lateness, body.violations().0), ended.map(drop), told))
}
