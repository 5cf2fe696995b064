//! R26: an owner that was silent for long before a driver that did not look, and chunks of other arms.

use crate::link_robot::{CommandLog, LinkRobot};
use crate::stub_agent::fr3;
use crate::{Rows, Scale};
use anyhow::{Context as _, Result, ensure};
use apprentice_core::{JointCommand, RobotState};
use apprentice_link::wire::Chunk;
use apprentice_link::{Arm as _, RobotLink, RobotServer};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Denial, Phase};
use std::thread::sleep;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(5);

/// 10 s of a stalled driver's own time, 2.2 s of the wall's (10 s in full), and 2.5 s of chunks.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let mut description = fr3()?;
    description.cameras.clear();
    let wall = scale.pick(Duration::from_millis(2200), Duration::from_secs(10));
    for (lockstep, stalls) in [(true, Duration::from_secs(10)), (false, wall)] {
        let mut stalled = Stalled::start(&description, lockstep)?;
        let (obeyed, words) = stalled.sends_after(stalls)?;
        rows.exactly(
            format!(
                "a driver that does not ask what is due for {} s {}: commands and chunks taken then ({words})",
                stalls.as_secs_f64(),
                if lockstep { "of its own time" } else { "of the wall's" }
            ),
            obeyed,
            0,
        );
    }
    chunks(&description, rows)
}

/// A robot that publishes states and nothing else.
struct Stalled {
    server: RobotServer,
    link: RobotLink,
    state: RobotState,
    lockstep: bool,
}

impl Stalled {
    fn start(description: &RobotDescription, lockstep: bool) -> Result<Self> {
        let server = RobotServer::open(description, None, lockstep)?;
        let link = RobotLink::connect(server.endpoint(), &description.name, PATIENCE)?;
        let mut robot = Self {
            server,
            link,
            state: RobotState {
                sequence: 0,
                stamp_ns: 0,
                positions: description.home.clone(),
                velocities: vec![0.0; description.home.len()],
                gripper_width: 0.04,
                efforts: None,
                external_wrench: None,
            },
            lockstep,
        };
        // The first states have to agree before one is believed.
        robot.states_for(Duration::from_millis(400))?;
        robot.link.engage()?;
        Ok(robot)
    }

    fn states_for(&mut self, time: Duration) -> Result<()> {
        let step = Duration::from_millis(20);
        if self.lockstep {
            return self.publish(time);
        }
        let begun = Instant::now();
        while begun.elapsed() < time {
            self.publish(step)?;
            sleep(step);
        }
        Ok(())
    }

    fn publish(&mut self, passed: Duration) -> Result<()> {
        self.state.sequence += 1;
        self.state.stamp_ns += passed.as_nanos() as u64;
        Ok(self.server.publish_state(&self.state)?)
    }

    fn send(&mut self, sequence: u64, chunk: bool) -> Result<()> {
        let positions = self.state.positions.clone();
        if chunk {
            return Ok(self.link.send_chunk(&chunk_of(&positions, sequence))?);
        }
        Ok(self.link.send(&JointCommand {
            sequence,
            stamp_ns: 0,
            positions,
            gripper_width: 0.04,
        })?)
    }

    /// One command while it is heard, then silence, then commands and chunks: how many of these were taken, and
    /// what became of the others.
    fn sends_after(&mut self, silence: Duration) -> Result<(u64, String)> {
        self.send(1, false)?;
        self.counted(1)?;
        ensure!(
            self.server.status().accepted == 1,
            "the command before the silence was refused"
        );
        self.states_for(silence)?;
        for sequence in 2..12 {
            self.send(sequence, sequence % 2 == 1)?;
        }
        self.counted(11)?;
        let status = self.server.status();
        let refused: Vec<String> = status
            .denials
            .named()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        ensure!(
            status.phase == Phase::Stopped,
            "after the silence it is {}",
            status.phase.name()
        );
        // Those of chunks are taken when they are due.
        let taken =
            status.accepted - 1 + 10_u64.saturating_sub(status.denials.of(Denial::NotActive));
        Ok((taken, refused.join(", ")))
    }

    /// Waits until so many messages have come.
    fn counted(&self, messages: u64) -> Result<()> {
        let begun = Instant::now();
        loop {
            let status = self.server.status();
            if status.accepted + status.denials.of(Denial::NotActive) >= messages {
                return Ok(());
            }
            ensure!(
                begun.elapsed() < PATIENCE,
                "not all messages arrived: {status:?}"
            );
            sleep(Duration::from_millis(1));
        }
    }
}

fn chunk_of(positions: &[f64], sequence: u64) -> Chunk {
    let mut point = positions.to_vec();
    point.push(0.04);
    Chunk {
        sequence,
        stamp_ns: 0,
        period_ns: 20_000_000,
        joints: positions.len(),
        numbers: point.repeat(4),
    }
}

/// Chunks with one joint less keep no arm active.
fn chunks(description: &RobotDescription, rows: &mut Rows) -> Result<()> {
    let robot = LinkRobot::start(description.clone())?;
    let mut link = robot.link()?;
    link.engage()?;
    let active = |h: &CommandLog| h.status.is_some_and(|s| s.phase == Phase::Active);
    ensure!(robot.wait_for(PATIENCE, active), "it is not active");
    let mut sequence = 1;
    // Good ones do.
    let good = Instant::now();
    while good.elapsed() < Duration::from_millis(400) {
        link.send_chunk(&chunk_of(&description.home, sequence))?;
        sequence += 1;
        sleep(Duration::from_millis(50));
    }
    ensure!(active(&robot.log()), "good chunks do not keep it active");
    let begun = Instant::now();
    let accepted = |h: &CommandLog| h.status.map_or(0, |s| s.accepted);
    let others = description.home.get(1..).context("no joints")?;
    let mut sent = 0;
    while begun.elapsed() < Duration::from_millis(2500) {
        link.send_chunk(&chunk_of(others, sequence))?;
        (sequence, sent) = (sequence + 1, sent + 1);
        sleep(Duration::from_millis(50));
    }
    let heard = robot.log();
    let after = |phase: Phase| {
        let since = heard.first(begun, |p| p == phase);
        since.map_or(f64::NAN, |at| (at - begun).as_secs_f64())
    };
    let refused = heard.status.map_or(0, |s| s.denials.of(Denial::Dimension));
    // Points of the last good chunk may be due yet when the first of the others comes.
    rows.at_most(
        format!("{sent} chunks of another joint count, {refused} refused as such while it held, {} commands in all: until it holds", accepted(&heard)),
        after(Phase::Holding),
        0.3,
        "s",
    );
    rows.at_most("and until it is stopped", after(Phase::Stopped), 2.1, "s");
    rows.at_least("refused for their joint count", refused as f64, 20.0, "");
    let wrong = heard
        .commands
        .iter()
        .filter(|(_, c)| c.positions.len() != description.home.len());
    rows.exactly("points of them obeyed", wrong.count() as u64, 0);
    Ok(())
}
