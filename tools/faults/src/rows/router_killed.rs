//! R1: the router between a robot and its runtime is killed and comes back.

use crate::link_robot::LinkRobot;
use crate::measured::{largest, ms};
use crate::program::Process;
use crate::stub_agent::{Swaying, fr3};
use crate::{Rows, Scale, episodes};
use anyhow::{Context as _, Result, ensure};
use apprentice_control::{ChunkingConfig, ControlLoop, record_episodes};
use apprentice_episode::Episode;
use apprentice_link::{Arm as _, RobotLink};
use apprentice_safety::{GuardConfig, Phase};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(10);

/// Kills it for a second in the middle of an episode, ten times in full.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let description = fr3()?;
    let endpoint = crate::guest::free_endpoint()?;
    let name = description.name.clone();
    let listen = || -> Result<(Process, Instant)> {
        let router = Process::start("router", &[&endpoint, &name])?;
        router.line("listening", PATIENCE)?;
        Ok((router, Instant::now()))
    };
    let mut router = listen()?.0;
    let robot = LinkRobot::join(description.clone(), &endpoint)?;
    let tick_ms = 1e3 / description.control_hz;
    // One more connection tells when the robot is heard again.
    let look = RobotLink::connect(&endpoint, &name, PATIENCE)?;
    let folder = tempfile::tempdir()?;
    let times = scale.pick(3, 10);
    let (mut held, mut stopped, mut found, mut armed) = (vec![], vec![], vec![], vec![]);
    let (mut violations, mut whole, mut told) = (0, 0, 0);
    for turn in 0..times {
        let link = RobotLink::connect(&endpoint, &name, PATIENCE)?;
        let mut robots = [ControlLoop::new(Box::new(link), GuardConfig::default())?];
        let plan = episodes::plan(&description, folder.path(), &format!("router-{turn}"));
        let path = plan.path.clone();
        let mut agent = Swaying::new(&description)?;
        let begun = Instant::now();
        let ended = scope(|scope| -> Result<_> {
            let runs = scope.spawn(|| {
                let ended = record_episodes(
                    &mut robots,
                    &mut agent,
                    &[plan],
                    1_000,
                    ChunkingConfig::default(),
                    &|_, _| {},
                    |_| true,
                );
                ended.map(drop)
            });
            let moves = robot.wait_for(PATIENCE, |h| h.last.is_some_and(|l| l > begun));
            ensure!(moves, "no command came over the router");
            sleep(Duration::from_millis(1_000 + 37 * turn));
            let killed = router.kill()?;
            sleep(Duration::from_secs(1));
            {
                let heard = robot.log();
                let last = heard.last.context("no command came")?;
                ensure!(
                    last < killed + Duration::from_millis(500),
                    "a command came without a router"
                );
                let stays = heard.first(last, |p| p != Phase::Active);
                held.push(ms(stays.context("it did not stay")? - last));
            }
            let (again, listening) = listen()?;
            router = again;
            found.push(ms(until_heard(&look, listening)? - listening));
            let heard = robot.log();
            let last = heard.last.context("no command came")?;
            let stops = heard.first(last, |p| matches!(p, Phase::Free | Phase::Stopped));
            stopped.push(ms(stops.context("it did not stop")? - last));
            drop(heard);
            Ok(runs.join())
        })?;
        let ended = ended.ok().context("a panic")?;
        told += u64::from(ended.is_err());
        violations += robots.iter().map(|r| r.totals().violations).sum::<u64>();
        let episode = Episode::open(&path)?;
        whole += u64::from(!episode.complete && !episode.ticks.is_empty());
        let begun = Instant::now();
        let mut link = RobotLink::connect(&endpoint, &name, PATIENCE)?;
        link.engage().context("taking the arm again")?;
        armed.push(ms(begun.elapsed()));
        link.disengage()?;
    }
    let killed = format!("router killed {times} times for 1 s");
    rows.at_most(
        format!("{killed}: last command until the arm stays, longest"),
        largest(&held),
        200.0 + tick_ms,
        "ms",
    );
    rows.at_most(
        format!("{killed}: last command until it is stopped, longest"),
        largest(&stopped),
        2_000.0 + tick_ms,
        "ms",
    );
    rows.exactly(format!("{killed}: commands beyond a limit"), violations, 0);
    rows.exactly(
        format!("{killed}: episodes that ended with an error"),
        told,
        times,
    );
    rows.exactly(
        format!("{killed}: their files read, marked as cut off"),
        whole,
        times,
    );
    rows.at_most(
        format!("{killed}: until states come again after it listens, longest"),
        largest(&found),
        1_000.0,
        "ms",
    );
    rows.report(
        format!("{killed}: from connecting anew until the arm obeys again, longest"),
        largest(&armed),
        "ms",
    );
    Ok(())
}

/// When the first state after `listening` came.
fn until_heard(link: &RobotLink, listening: Instant) -> Result<Instant> {
    let fresh = apprentice_link::Freshness {
        state: Duration::from_millis(60),
        frame: Duration::from_millis(60),
    };
    let deadline = listening + PATIENCE;
    loop {
        if link.latest(false, fresh).is_ok() {
            return Ok(Instant::now());
        }
        ensure!(Instant::now() < deadline, "no state came within 10 s");
        sleep(Duration::from_millis(1));
    }
}
