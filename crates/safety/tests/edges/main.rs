//! Each rule of gate and guard at its edge: just this side of it, and just beyond. `cargo xtask mutants` asks for
//! most of these.
#![allow(clippy::unwrap_used)]

mod arbiter;
mod at_the_limit;
mod following;
mod following_error;
mod gate;
mod guard;
mod homing;
mod look_ahead;
#[path = "../hostile/robots.rs"]
mod robots;

use apprentice_core::{JointCommand, RobotState};
use apprentice_robot::RobotDescription;

const MS: u64 = 1_000_000;

fn fr3() -> RobotDescription {
    RobotDescription::embedded("franka_fr3").unwrap()
}

/// An arm at rest here.
fn at(positions: &[f64]) -> RobotState {
    RobotState {
        sequence: 0,
        stamp_ns: 0,
        positions: positions.to_vec(),
        velocities: vec![0.0; positions.len()],
        gripper_width: 0.04,
        efforts: None,
        external_wrench: None,
    }
}

fn command(sequence: u64, positions: &[f64]) -> JointCommand {
    JointCommand {
        sequence,
        stamp_ns: 0,
        positions: positions.to_vec(),
        gripper_width: 0.04,
    }
}

/// A place with its first joint further by this, rad.
fn beside(positions: &[f64], by: f64) -> Vec<f64> {
    let mut beside = positions.to_vec();
    beside[0] += by;
    beside
}
