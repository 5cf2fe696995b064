//! R5: a policy that wants the worst, measurements that lie, and a judge that has not seen the guard.

use crate::hostile::Hostile;
use crate::memory_robot::{Lie, MemoryRobot};
use crate::stub_agent::fr3;
use crate::{Rows, Scale};
use anyhow::{Result, ensure};
use apprentice_control::ControlLoop;
use apprentice_core::Seed;
use apprentice_robot::RobotDescription;
use apprentice_robot::description::Control;
use apprentice_safety::GuardConfig;
use rand::Rng as _;

/// 200,000 commands, 1,000,000 in full, half of them of a robot that takes poses, half of one that takes
/// joints.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let mut poses = fr3()?;
    poses.cameras.clear();
    let mut joints = poses.clone();
    joints.control = Control::Joint;
    let commands = scale.pick(200_000, 1_000_000);
    for (name, description) in [("poses", poses), ("joints", joints)] {
        let (violations, first, done, travelled) = stream(&description, commands / 2)?;
        let seconds = done as f64 / description.control_hz;
        ensure!(
            travelled > 0.02 * seconds,
            "an arm that moved {travelled:.1} rad in {seconds:.0} s proves nothing"
        );
        rows.exactly(
            format!(
                "{done} commands of adversarial {name}, joint 1 moved {travelled:.0} rad: beyond a limit{}{first}",
                if first.is_empty() { "" } else { ": " }
            ),
            violations,
            0,
        );
    }
    Ok(())
}

fn stream(description: &RobotDescription, commands: u64) -> Result<(u64, String, u64, f64)> {
    let hostile = Hostile::new(description)?;
    let robot = MemoryRobot::new(description.clone(), true)?;
    let mut control = ControlLoop::new(robot.arm(), GuardConfig::default())?;
    let each = (description.control_hz / description.policy_hz).round() as u64;
    let (mut rng, mut kind) = (Seed(6).rng(), 0);
    for tick in 0..commands / each {
        if tick % 2_000 == 0 {
            control.reset(tick)?;
        }
        if tick % 10 == 0 {
            kind = rng.random_range(0..Hostile::KINDS);
            robot.lie(match rng.random_range(0..12) {
                0 => Lie::Nothing,
                1 => Lie::Off(rng.random_range(-2.0..2.0)),
                2 => Lie::Off(rng.random_range(-0.05..0.05)),
                _ => Lie::Truth,
            });
        }
        let action = hostile.adversarial(kind, tick, &mut rng);
        let due = match rng.random_range(0..20) {
            0 => 0,
            1 => u64::MAX,
            _ => control.now_ns(),
        };
        control.act(&action, due)?;
    }
    let (violations, first) = robot.violations();
    let own = control.totals().violations;
    ensure!(
        own == violations,
        "two checkers do not agree: {own} and {violations}"
    );
    Ok((violations, first, robot.commands(), robot.travelled()))
}
