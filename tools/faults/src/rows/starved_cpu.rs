//! R14: other processes want all the processor time there is.

use crate::link_robot::LinkRobot;
use crate::measured::{largest, ms, quantile};
use crate::program::Process;
use crate::stub_agent::fr3;
use crate::{Rows, Scale};
use anyhow::{Context as _, Result, ensure};
use apprentice_core::JointCommand;
use apprentice_link::Arm as _;
use apprentice_safety::Phase;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Two of them for 30 s in full; the runtime falls silent again and again, and the arm must notice.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let robot = LinkRobot::start(fr3()?)?;
    let mut link = robot.link()?;
    link.engage()?;
    let hogs = [
        Process::start("cpu-load", &[])?,
        Process::start("cpu-load", &[])?,
    ];
    for hog in &hogs {
        hog.line("busy", Duration::from_secs(10))?;
    }
    let begun = Instant::now();
    let lasts = Duration::from_secs(scale.pick(8, 30));
    let (mut silences, mut sequence) = (Vec::new(), 0);
    while begun.elapsed() < lasts {
        for _ in 0..10 + silences.len() % 7 {
            sequence += 1;
            link.send(&JointCommand {
                sequence,
                stamp_ns: 0,
                positions: robot.description.home.clone(),
                gripper_width: 0.04,
            })?;
            sleep(Duration::from_millis(20));
        }
        let since = robot.log().last.context("no command came")?;
        let held = robot.wait_for(Duration::from_secs(5), |h| {
            h.first(since, |p| p == Phase::Holding).is_some()
        });
        ensure!(held, "the arm did not notice within 5 s that nothing came");
        let heard = robot.log();
        let last = heard.last.context("no command came")?;
        let at = heard.first(last, |p| p == Phase::Holding);
        silences.push(ms(at
            .context("it went on")?
            .saturating_duration_since(last)));
    }
    rows.at_most(
        format!(
            "2 busy processes, {} silences in {:.0} s: last command until the arm stays, longest (median {:.0})",
            silences.len(),
            begun.elapsed().as_secs_f64(),
            quantile(&silences, 0.5)
        ),
        largest(&silences),
        250.0,
        "ms",
    );
    Ok(())
}
