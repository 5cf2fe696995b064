//! R6: commands that were sent before, or by somebody who does not own the arm.

use crate::link_robot::LinkRobot;
use crate::stub_agent::fr3;
use crate::{Rows, Scale};
use anyhow::{Context as _, Result, ensure};
use apprentice_core::JointCommand;
use apprentice_link::keys::{ClientMessage, Keys};
use apprentice_link::wire;
use apprentice_link::{Arm as _, RobotLink};
use apprentice_safety::Service;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::Duration;
use zenoh::Wait as _;
use zenoh::pubsub::Publisher;
use zenoh::qos::{CongestionControl, Priority};

/// Only the intruder's commands have this opening, metres.
const MARK: f64 = 0.0123;

/// 10,000 messages of four kinds by a second client.
pub fn run(_scale: Scale, rows: &mut Rows) -> Result<()> {
    let mut description = fr3()?;
    description.control_hz = 100.0;
    let robot = LinkRobot::start(description)?;
    let keys = Keys::new(&robot.description.name);
    let mut owner = robot.link()?;
    let intruder = crate::guest::session(robot.endpoint())?;
    let heard = intruder
        .declare_subscriber(keys.all(ClientMessage::Command))
        .with(zenoh::handlers::FifoChannel::new(20_000))
        .wait()
        .map_err(crate::guest::zenoh_error)?;
    let publisher = |client: u32| {
        intruder
            .declare_publisher(keys.of(ClientMessage::Command, client))
            .congestion_control(CongestionControl::Block)
            .priority(Priority::RealTime)
            .express(true)
            .wait()
            .map_err(crate::guest::zenoh_error)
    };
    let to_arm = publisher(owner.client())?;
    let as_another = publisher(owner.client() ^ 0xffff)?;
    owner.engage()?;
    let name = format!("{:08x}", owner.client());
    let own = owner.client();
    let done = AtomicBool::new(false);
    let (sent, foreign) = scope(|scope| -> Result<(u64, u64)> {
        let owner = &mut owner;
        let (done, robot_ref) = (&done, &robot);
        let commanding = scope.spawn(move || command(owner, robot_ref, done));
        sleep(Duration::from_millis(300));
        let (mut foreign, mut replay) = (0, Vec::new());
        for round in 0..2_500u64 {
            // What the owner said last, at once and again.
            let heard = heard.drain().map(|s| s.payload().to_bytes().to_vec());
            if let Some(newest) = heard.filter(|bytes| is_owners(bytes, own)).last() {
                replay = newest;
            }
            if !replay.is_empty() {
                put(&to_arm, replay.clone())?;
                foreign += 1;
            }
            // Old numbers under the owner's name, new numbers under another's.
            put(&to_arm, forged(own, 1 + round % 20, &robot))?;
            put(&as_another, forged(own ^ 0xffff, 1_000_000 + round, &robot))?;
            foreign += 2;
            sleep(Duration::from_micros(400));
        }
        // Nor does a lease of its own help while the arm has an owner.
        let lease = keys.of(ClientMessage::Lease, 0x0bad_0bad);
        let _token = intruder
            .liveliness()
            .declare_token(lease)
            .wait()
            .map_err(crate::guest::zenoh_error)?;
        let refused = intruder
            .get(keys.of(ClientMessage::Service(Service::Acquire), 0x0bad_0bad))
            .payload(wire::encode_request(wire::Request {
                client: 0x0bad_0bad,
                stops: 0,
            }))
            .timeout(Duration::from_secs(2))
            .wait()
            .map_err(crate::guest::zenoh_error)?
            .recv()
            .map_err(crate::guest::zenoh_error)?;
        let refused = refused
            .result()
            .err()
            .map(|e| e.payload().to_bytes().to_vec());
        let refused = String::from_utf8(refused.context("the intruder was given the arm")?)?;
        ensure!(
            refused.starts_with("owned"),
            "it was refused for {refused:?}"
        );
        done.store(true, Relaxed);
        let sent = commanding.join().ok().context("a panic")??;
        Ok((sent, foreign))
    })?;
    // After it was given back nobody's commands count, whatever their numbers.
    owner.disengage()?;
    let mut late = 0;
    for round in 0..10_000 - foreign.min(10_000) {
        put(&to_arm, forged(own, 2_000_000 + round, &robot))?;
        late += 1;
    }
    let expected = foreign + late;
    let all = robot.wait_for(Duration::from_secs(10), |h| {
        h.status.is_some_and(|s| s.denials.total() > expected)
    });
    ensure!(all, "not all messages of the intruder arrived");
    let heard = robot.log();
    let status = heard.status.context("no status")?;
    let numbers: Vec<u64> = heard.commands.iter().map(|(_, c)| c.sequence).collect();
    let twice = numbers.len() - numbers.iter().collect::<BTreeSet<_>>().len();
    let marked = heard
        .commands
        .iter()
        .filter(|(_, c)| c.gripper_width == MARK)
        .count();
    let reasons: Vec<String> = status
        .denials
        .named()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    rows.exactly(
        format!(
            "{expected} commands replayed, old, foreign or after release beside {sent} of the owner {name}: obeyed ({})",
            reasons.join(", ")
        ),
        status.accepted.saturating_sub(sent) + twice as u64 + marked as u64,
        0,
    );
    rows.at_least(
        "the owner's own commands obeyed meanwhile, share",
        status.accepted as f64 / sent as f64,
        0.99,
        "",
    );
    Ok(())
}

/// Commands at the arm's rate until `done`; how many.
fn command(owner: &mut RobotLink, robot: &LinkRobot, done: &AtomicBool) -> Result<u64> {
    let mut sent = 0;
    while !done.load(Relaxed) {
        sent += 1;
        let mut positions = robot.description.home.clone();
        if let Some(first) = positions.first_mut() {
            *first += 0.05 * (sent as f64 / 50.0).sin();
        }
        owner.send(&JointCommand {
            sequence: sent,
            stamp_ns: 0,
            positions,
            gripper_width: 0.04,
        })?;
        sleep(Duration::from_millis(10));
    }
    Ok(sent)
}

/// Whether that is a command of the owner's own.
fn is_owners(bytes: &[u8], own: u32) -> bool {
    wire::decode_command(bytes).is_ok_and(|(client, c)| client == own && c.gripper_width != MARK)
}

fn forged(client: u32, sequence: u64, robot: &LinkRobot) -> Vec<u8> {
    let command = JointCommand {
        sequence,
        stamp_ns: u64::MAX,
        positions: robot.description.home.clone(),
        gripper_width: MARK,
    };
    wire::encode_command(client, &command)
}

fn put(to: &Publisher<'_>, bytes: Vec<u8>) -> Result<()> {
    to.put(bytes).wait().map_err(crate::guest::zenoh_error)
}
