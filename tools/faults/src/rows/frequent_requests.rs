//! R25: an owner that asks as often as it can for what might give it more speed.

use crate::lockstep_robot::LockstepRobot;
use crate::stub_agent::fr3;
use crate::{Rows, Scale};
use anyhow::{Context as _, Result, ensure};
use apprentice_core::JointCommand;
use apprentice_link::{Arm as _, RobotLink};
use apprentice_robot::RobotDescription;
use apprentice_safety::{GateConfig, Phase, Service};

/// Rounding of positions, rad.
const ROUNDING: f64 = 1e-6;
/// How far the first joint goes to either side, rad.
const SIDE: f64 = 1.0;
/// A sine of so many rad moves a joint for the way home.
const SWAY: f64 = 0.5;

/// `enable` 1,000 times, and `home` from 8 motions; 10,000 and 80 in full.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let mut description = fr3()?;
    description.cameras.clear();
    enables(scale.pick(1_000, 10_000), &description, rows)?;
    homes(scale.pick(8, 80), &description, rows)
}

/// The owner's end, with its numbers.
struct Owner<'a> {
    link: RobotLink,
    description: &'a RobotDescription,
    sequence: u64,
    at: Vec<f64>,
}

impl<'a> Owner<'a> {
    fn of(robot: &LockstepRobot, description: &'a RobotDescription) -> Result<Self> {
        let mut link = robot.link()?;
        link.engage()?;
        Ok(Self {
            link,
            description,
            sequence: 0,
            at: description.home.clone(),
        })
    }

    fn command(&mut self, joint: usize, to: f64) -> Result<()> {
        self.sequence += 1;
        let mut positions = self.at.clone();
        *positions.get_mut(joint).context("no such joint")? = to;
        let command = JointCommand {
            sequence: self.sequence,
            stamp_ns: 0,
            positions,
            gripper_width: 0.04,
        };
        Ok(self.link.send(&command)?)
    }

    fn period(&mut self) -> Result<()> {
        let period_ns = (1e9 / self.description.control_hz) as u64;
        self.at = self.link.advance(period_ns, false)?.state.positions;
        Ok(())
    }

    fn phase(&self) -> Option<Phase> {
        self.link.status().map(|s| s.phase)
    }
}

fn enables(times: u64, description: &RobotDescription, rows: &mut Rows) -> Result<()> {
    let robot = LockstepRobot::start(description)?;
    let mut owner = Owner::of(&robot, description)?;
    let limit = description.joints.first().context("no joints")?.velocity;
    let (mut asked, mut side) = (0, 1.0);
    while asked < times {
        let from = owner.at.first().copied().unwrap_or(0.0);
        if from * side > SIDE {
            side = -side;
        }
        // Each as far from the one before as the joint may go in a period: the first is all there is room for.
        for steps in 1..=5 {
            let step = f64::from(steps) * limit / description.control_hz;
            owner.command(0, from + side * step)?;
            owner.link.serve(Service::Enable)?;
            asked += 1;
        }
        owner.period()?;
    }
    let told = robot.told();
    let joint: Vec<f64> = told.iter().filter_map(|q| q.first().copied()).collect();
    let burst_s = GateConfig::of(description).burst_ns as f64 * 1e-9;
    let mut way = vec![0.0];
    for pair in joint.windows(2) {
        if let ([a, b], Some(so_far)) = (pair, way.last().copied()) {
            way.push(so_far + (b - a).abs());
        }
    }
    let second = description.control_hz as usize;
    let mut fastest = 0.0f64;
    for (i, from) in way.iter().enumerate() {
        for (j, to) in way.iter().enumerate().skip(i + second) {
            let seconds = (j - i) as f64 / description.control_hz + burst_s;
            fastest = fastest.max((to - from - ROUNDING) / (limit * seconds));
        }
    }
    rows.at_most(
        format!(
            "enable asked {asked} times between commands that jump: way of the joint in any second or more, against the limit and {burst_s} s to make up for"
        ),
        fastest,
        1.0,
        "",
    );
    let overall = way.last().copied().unwrap_or(0.0) * description.control_hz / way.len() as f64;
    rows.at_least(
        "and the commands used what there is, speed on average against the limit",
        overall / limit,
        0.8,
        "",
    );
    Ok(())
}

fn homes(times: u64, description: &RobotDescription, rows: &mut Rows) -> Result<()> {
    let robot = LockstepRobot::start(description)?;
    let mut owner = Owner::of(&robot, description)?;
    let hz = description.control_hz;
    let (mut begun, mut arrived) = (0, 0);
    for round in 0..times {
        // Joints that turn the arm where there is room for it.
        let joint = [0, 4, 6].get(round as usize % 3).copied().unwrap_or(0);
        let side = if round.is_multiple_of(2) { SWAY } else { -SWAY };
        let home = description.home.get(joint).context("no such joint")?;
        let ticks = 10 + 9 * round % 60;
        for tick in 1..=ticks {
            let turn = 4.0 * tick as f64 / hz;
            owner.command(joint, home + 0.5 * side * (1.0 - turn.cos()))?;
            owner.period()?;
        }
        owner.link.serve(Service::Home)?;
        begun += 1;
        for tick in 0..500 {
            if tick % 7 == 3 && owner.phase() == Some(Phase::Homing) {
                // It may have arrived meanwhile.
                let _ = owner.link.serve(Service::Home);
            }
            owner.period()?;
            if owner.phase() == Some(Phase::Active) {
                arrived += 1;
                break;
            }
        }
    }
    ensure!(
        arrived == begun,
        "{arrived} of {begun} ways home ended there"
    );
    let (mut speed, mut acceleration) = (0.0f64, 0.0f64);
    let told = robot.told();
    for (j, limits) in description.joints.iter().enumerate() {
        let joint: Vec<f64> = told.iter().filter_map(|q| q.get(j).copied()).collect();
        let change = |of: &[f64]| -> Vec<f64> {
            let pairs = of.iter().zip(of.iter().skip(1));
            pairs.map(|(a, b)| (b - a) * hz).collect()
        };
        let speeds = change(&joint);
        let share = |of: &[f64], limit: f64| of.iter().fold(0.0f64, |m, v| m.max(v.abs() / limit));
        speed = speed.max(share(&speeds, limits.velocity));
        acceleration = acceleration.max(share(&change(&speeds), limits.acceleration));
    }
    rows.at_most(
        format!("home asked {begun} times of a moving arm, and again on the way: speed it was told against the limit"),
        speed,
        1.0,
        "",
    );
    rows.at_most(
        "acceleration it was told against the limit",
        acceleration,
        1.0,
        "",
    );
    Ok(())
}
