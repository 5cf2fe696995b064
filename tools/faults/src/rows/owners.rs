//! R21: two runtimes want the same arm at the same time.

use crate::link_robot::LinkRobot;
use crate::stub_agent::fr3;
use crate::{Rows, Scale};
use anyhow::{Context as _, Result};
use apprentice_link::{Arm as _, LinkError, RobotLink};
use apprentice_safety::Phase;
use std::sync::Barrier;
use std::thread::scope;
use std::time::Duration;

/// 20 times, 200 in full.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let robot = LinkRobot::start(fr3()?)?;
    let mut links = [robot.link()?, robot.link()?];
    let times = scale.pick(20, 200);
    let (mut one, mut told, mut owned) = (0, 0, 0);
    let mut reason = String::new();
    for _ in 0..times {
        let start = Barrier::new(links.len());
        let answers: Vec<Result<(), LinkError>> = scope(|scope| {
            let engage = |link| {
                let start = &start;
                scope.spawn(move || {
                    let link: &mut RobotLink = link;
                    start.wait();
                    link.engage()
                })
            };
            let threads: Vec<_> = links.iter_mut().map(engage).collect();
            let answers = threads.into_iter().map(|t| t.join().ok());
            answers.collect::<Option<_>>().context("a panic")
        })?;
        let winners: Vec<u32> = answers
            .iter()
            .zip(&links)
            .filter(|(a, _)| a.is_ok())
            .map(|(_, l)| l.client())
            .collect();
        one += u64::from(winners.len() == 1);
        for refused in answers.iter().filter_map(|a| a.as_ref().err()) {
            reason = refused.to_string();
            told += u64::from(reason.contains("belongs to another client"));
        }
        let says = |h: &crate::link_robot::CommandLog| {
            h.status
                .is_some_and(|s| s.phase == Phase::Active && winners == [s.owner])
        };
        owned += u64::from(robot.wait_for(Duration::from_secs(1), says));
        links.iter_mut().try_for_each(RobotLink::disengage)?;
        let free = |h: &crate::link_robot::CommandLog| h.status.is_some_and(|s| s.owner == 0);
        robot.wait_for(Duration::from_secs(2), free);
    }
    rows.exactly(
        format!("two runtimes at once, {times} times: exactly one has the arm"),
        one,
        times,
    );
    rows.exactly("and the arm says the same", owned, times);
    rows.exactly(format!("the other is told: {reason}"), told, times);
    Ok(())
}
