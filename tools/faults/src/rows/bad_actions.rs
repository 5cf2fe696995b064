//! R4: actions and commands that are none.

use crate::hostile::Hostile;
use crate::link_robot::LinkRobot;
use crate::memory_robot::MemoryRobot;
use crate::stub_agent::fr3;
use crate::{Rows, Scale};
use anyhow::{Context as _, Result};
use apprentice_control::ControlLoop;
use apprentice_core::{JointCommand, Seed};
use apprentice_link::Arm as _;
use apprentice_link::keys::{ClientMessage, Keys};
use apprentice_link::wire;
use apprentice_safety::{GuardConfig, Intervention};
use rand::Rng as _;
use std::time::Duration;
use zenoh::Wait as _;
use zenoh::qos::CongestionControl;

/// Through the guard, and past it straight to the robot.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    through_the_guard(scale, rows)?;
    at_the_robot(scale, rows)
}

fn through_the_guard(scale: Scale, rows: &mut Rows) -> Result<()> {
    let mut description = fr3()?;
    description.cameras.clear();
    let hostile = Hostile::new(&description)?;
    let robot = MemoryRobot::new(description, true)?;
    let mut control = ControlLoop::new(robot.arm(), GuardConfig::default())?;
    control.reset(1)?;
    let home = robot.positions();
    let actions = scale.pick(100_000, 100_000);
    let mut rng = Seed(4).rng();
    let mut refused = 0;
    for index in 0..actions {
        let action = hostile.bad(index % Hostile::BAD, &mut rng);
        let interventions = control.act(&action, control.now_ns())?.interventions;
        let reasons = [
            Intervention::NotFinite,
            Intervention::Dimension,
            Intervention::NotAPose,
        ];
        refused += u64::from(reasons.iter().any(|&r| interventions.contains(r)));
    }
    let totals = control.totals();
    let counted: u64 = [
        Intervention::NotFinite,
        Intervention::Dimension,
        Intervention::NotAPose,
    ]
    .into_iter()
    .map(|r| totals.reasons.of(r))
    .sum();
    rows.exactly(
        format!("{actions} actions that are none (NaN, infinite, other lengths, no pose): refused"),
        refused,
        actions,
    );
    rows.exactly("their commands counted by reason", counted, totals.commands);
    let moved = robot.travelled() + f64::from(u8::from(robot.positions() != home));
    rows.at_most("how far the arm was told to move", moved, 0.0, "rad");
    Ok(())
}

/// A rightful owner with a broken encoder.
fn at_the_robot(scale: Scale, rows: &mut Rows) -> Result<()> {
    let mut description = fr3()?;
    description.control_hz = 1000.0;
    description.policy_hz = 10.0;
    let robot = LinkRobot::start(description)?;
    let mut link = robot.link()?;
    link.engage()?;
    let session = crate::guest::session(robot.endpoint())?;
    let publisher = session
        .declare_publisher(
            Keys::new(&robot.description.name).of(ClientMessage::Command, link.client()),
        )
        .congestion_control(CongestionControl::Block)
        .wait()
        .map_err(crate::guest::zenoh_error)?;
    let before = link
        .status()
        .context("the robot has not said how it stands")?;
    let mut rng = Seed(5).rng();
    let messages = scale.pick(10_000, 100_000);
    for sequence in 1..=messages {
        let mut command = JointCommand {
            sequence,
            stamp_ns: 0,
            positions: robot.description.home.clone(),
            gripper_width: 0.04,
        };
        let wild = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1e308,
            -1e308,
            5e-324,
            100.0,
        ];
        let wild = wild[rng.random_range(0..wild.len())];
        match sequence % 4 {
            0 => command.positions.fill(wild),
            // Joint 4 cannot be at any of them, 0 neither.
            1 => command
                .positions
                .iter_mut()
                .skip(3)
                .take(1)
                .for_each(|q| *q = wild),
            2 => command.gripper_width = if wild.abs() < 1.0 { f64::NAN } else { wild },
            _ => command.positions.truncate(rng.random_range(0..7)),
        }
        publisher
            .put(wire::encode_command(link.client(), &command))
            .wait()
            .map_err(crate::guest::zenoh_error)?;
    }
    let arrived = robot.wait_for(Duration::from_secs(20), |h| {
        h.status
            .is_some_and(|s| s.denials.total() >= before.denials.total() + messages)
    });
    anyhow::ensure!(arrived, "not all messages arrived");
    let status = robot.log().status.context("no status")?;
    let reasons: Vec<String> = status
        .denials
        .named()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    rows.exactly(
        format!("{messages} commands of the arm's own owner that are none: obeyed"),
        status.accepted,
        0,
    );
    rows.exactly(
        format!("counted by reason: {}", reasons.join(", ")),
        status.denials.total() - before.denials.total(),
        messages,
    );
    Ok(())
}
