//! R2: the process that commands an arm is killed or frozen; measured at the arm.

use crate::link_robot::LinkRobot;
use crate::measured::{largest, ms, quantile};
use crate::program::Process;
use crate::stub_agent::fr3;
use crate::{Rows, Scale};
use anyhow::{Context as _, Result, ensure};
use apprentice_link::session::LEASE_MS;
use apprentice_safety::Phase;
use std::thread::sleep;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(10);

/// Kills and freezes it, 20 times each in full.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let mut description = fr3()?;
    description.control_hz = 100.0;
    let tick_ms = 1e3 / description.control_hz;
    let robot = LinkRobot::start(description)?;
    let times = scale.pick(5, 20);
    let (mut held, mut freed) = (Vec::new(), Vec::new());
    for turn in 0..times {
        let (mut policy, _) = moving(&robot, turn)?;
        let moment = policy.kill()?;
        ensure!(
            robot.wait_for(PATIENCE, |h| h
                .first(moment, |p| p == Phase::Free)
                .is_some()),
            "the arm still has an owner 10 s after that was killed"
        );
        let heard = robot.log();
        let last = heard.last.context("no command came")?;
        let stays = heard.first(last, |p| p != Phase::Active);
        let free = heard.first(moment, |p| p == Phase::Free);
        held.push(ms(stays.context("it did not stop")? - last));
        freed.push(ms(free.context("it is not free")? - moment));
    }
    rows.at_most(
        format!("killed {times} times: last command until the arm stays, longest"),
        largest(&held),
        200.0 + tick_ms,
        "ms",
    );
    rows.at_most(
        format!(
            "killed {times} times: until the arm belongs to nobody, longest (median {:.1})",
            quantile(&freed, 0.5)
        ),
        largest(&freed),
        10.0 + tick_ms,
        "ms",
    );
    let (mut held, mut freed, mut obeyed_after) = (Vec::new(), Vec::new(), 0);
    for turn in 0..times {
        let (policy, _) = moving(&robot, turn)?;
        let moment = policy.freeze()?;
        ensure!(
            robot.wait_for(PATIENCE, |h| h
                .first(moment, |p| p == Phase::Free)
                .is_some()),
            "the arm still has an owner 10 s after that was frozen"
        );
        let last = {
            let heard = robot.log();
            let last = heard.last.context("no command came")?;
            let stays = heard.first(last, |p| p != Phase::Active);
            let free = heard.first(moment, |p| p == Phase::Free);
            held.push(ms(stays.context("it did not stop")? - last));
            freed.push(ms(free.context("it is not free")? - moment));
            last
        };
        policy.thaw()?;
        sleep(Duration::from_millis(300));
        obeyed_after += u64::from(robot.log().last != Some(last));
    }
    rows.at_most(
        format!("frozen {times} times: last command until the arm stays, longest"),
        largest(&held),
        200.0 + tick_ms,
        "ms",
    );
    rows.at_most(
        format!(
            "frozen {times} times: until the arm belongs to nobody, longest (median {:.0})",
            quantile(&freed, 0.5)
        ),
        largest(&freed),
        // The last sign of life is no older than a command; noticing takes a thread its turn.
        LEASE_MS as f64 + 50.0,
        "ms",
    );
    rows.exactly(
        "frozen, then let go on: times a command of theirs was obeyed after that",
        obeyed_after,
        0,
    );
    Ok(())
}

/// A policy's process that commands the arm.
fn moving(robot: &LinkRobot, turn: u32) -> Result<(Process, Instant)> {
    let since = Instant::now();
    let policy = Process::start("runtime", &[robot.endpoint(), &robot.description.name])?;
    policy.line("engaged", PATIENCE)?;
    let moves = robot.wait_for(PATIENCE, |h| h.last.is_some_and(|l| l > since));
    ensure!(moves, "no command came from the policy's process");
    // Not always at the same place between two commands.
    sleep(Duration::from_micros(150_000 + 1_700 * u64::from(turn)));
    Ok((policy, since))
}
