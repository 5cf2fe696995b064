//! R13: strangers publish as much as they can on the keys of a robot.

use crate::link_robot::LinkRobot;
use crate::measured::{monotonic_ns, quantile, resident_mb};
use crate::program::Process;
use crate::stub_agent::fr3;
use crate::{Rows, Scale};
use anyhow::{Context as _, Result};
use apprentice_core::JointCommand;
use apprentice_link::Arm as _;
use apprentice_link::keys::{ClientMessage, Keys};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A picture of 224 x 224, and as many a second as make 100 MB.
const FRAME: usize = 224 * 224 * 3 + 28;

/// 10,000 commands and 100 MB of frames a second, for 10 s in full.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let mut description = fr3()?;
    description.control_hz = 100.0;
    for camera in &mut description.cameras {
        (camera.width, camera.height) = (224, 224);
    }
    // The robot's own pictures would be in the way of measuring.
    let robot = LinkRobot::start(description)?;
    robot
        .faults
        .blind
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let keys = Keys::new(&robot.description.name);
    let mut owner = robot.link()?;
    owner.engage()?;
    let mut sequence = 0;
    let mut command = |seconds: f64| -> Result<Vec<f64>> {
        let (begun, from) = (Instant::now(), sequence);
        while begun.elapsed().as_secs_f64() < seconds {
            sequence += 1;
            owner.send(&JointCommand {
                sequence,
                stamp_ns: monotonic_ns(),
                positions: robot.description.home.clone(),
                gripper_width: 0.04,
            })?;
            sleep(Duration::from_millis(10));
        }
        sleep(Duration::from_millis(200));
        let heard = robot.log();
        let new = heard.commands.iter().filter(|(_, c)| c.sequence > from);
        Ok(new
            .map(|(at, c)| at.saturating_sub(c.stamp_ns) as f64 * 1e-6)
            .collect())
    };
    let quiet = command(1.0)?;
    let flooder = |key: String, bytes: usize, hertz: f64| {
        Process::start(
            "flooder",
            &[
                robot.endpoint(),
                &key,
                &bytes.to_string(),
                &hertz.to_string(),
            ],
        )
    };
    let commands = flooder(keys.of(ClientMessage::Command, 0x0bad_0bad), 0, 10_000.0)?;
    let camera = robot.description.cameras.first().context("no camera")?;
    let frames = flooder(keys.camera(&camera.name), FRAME, 100e6 / FRAME as f64)?;
    for process in [&commands, &frames] {
        process.line("flooding", Duration::from_secs(10))?;
    }
    command(1.0)?;
    let before = resident_mb()?;
    let seconds = scale.pick(3.0, 10.0);
    let times = command(seconds)?;
    let grown = resident_mb()? - before;
    let rate = |process: &Process| -> Result<f64> {
        Ok(process.line("sent ", Duration::from_secs(5))?.parse()?)
    };
    let (per_second, frames_per_second) = (rate(&commands)?, rate(&frames)?);
    let refused = robot.log().status.map_or(0, |s| s.denials.total());
    rows.at_least(
        "commands of a stranger a second, as sent",
        per_second,
        9_000.0,
        "1/s",
    );
    rows.report(
        "frames of a stranger, as sent",
        frames_per_second * FRAME as f64 * 1e-6,
        "MB/s",
    );
    rows.at_least(
        "commands of the stranger refused",
        refused as f64,
        1_000.0,
        "",
    );
    rows.at_most(
        format!(
            "the owner's {} commands meanwhile, one way p99 (p50 {:.3}; without the flood p50 {:.3}, p99 {:.3})",
            times.len(),
            quantile(&times, 0.5),
            quantile(&quiet, 0.5),
            quantile(&quiet, 0.99)
        ),
        quantile(&times, 0.99),
        5.0,
        "ms",
    );
    rows.at_least(
        "the owner's commands that came, share of those due",
        times.len() as f64 / (seconds * 100.0),
        0.9,
        "",
    );
    rows.at_most(
        format!("memory of robot and runtime grown in {seconds} s"),
        grown,
        16.0,
        "MB",
    );
    Ok(())
}
