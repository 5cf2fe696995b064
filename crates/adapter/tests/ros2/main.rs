//! ROS 2 robots, simulated: what is asked of a controller, and what is refused.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

mod commands;
mod error_messages;
mod false_states;
mod gripper;
#[path = "../person/mod.rs"]
mod person;
mod pictures;
mod servo;
mod speed_scaling;
mod stand_in;
mod takeover;

use apprentice_adapter::cdr::{Header, JointState, Numbers, Time};
use apprentice_adapter::ros2::Ros2Arm;
use apprentice_link::security::Security;
use apprentice_link::{Arm as _, Freshness, LinkError};
use apprentice_robot::RobotDescription;
use stand_in::{Driver, Router, now_ns};
use std::sync::Arc;
use std::time::Duration;

const STATES: &str = "0/joint_states/sensor_msgs::msg::dds_::JointState_/RIHS01_a13ee3a330e346c9d87b5aa18d24e11690752bd33a0350f11c5882bc9179260e";
const GRIPPER: &str = "[gripper]\nkind = 'forward_command'\njoint = 'finger'\nper_metre = 0.5";
const FRESH: Freshness = Freshness {
    state: Duration::from_millis(500),
    frame: Duration::from_millis(2000),
};

/// The joints at home, last first, as a driver says it.
fn state(robot: &RobotDescription) -> JointState {
    state_at(robot, &robot.home)
}

/// The joints at `positions`, the gripper 4 cm open.
fn state_at(robot: &RobotDescription, positions: &[f64]) -> JointState {
    let names = robot.joints.iter().map(|j| j.name.as_str()).rev();
    let positions = positions.iter().copied().rev();
    JointState {
        header: Header {
            stamp: Time::from_ns(now_ns()),
            ..Header::default()
        },
        name: names.chain(["finger"]).collect(),
        position: Numbers(positions.chain([0.02]).collect()),
        ..JointState::default()
    }
}

/// Says the state a hundred times a second.
fn driver(router: &Arc<Router>, key: &str, robot: &RobotDescription) -> Driver {
    let (router, key, robot) = (Arc::clone(router), key.to_owned(), robot.clone());
    Driver::start(move || router.publish(&key, &state(&robot)))
}

fn connect(robot: &RobotDescription, router: &Router) -> Ros2Arm {
    let table = robot.adapter.clone().unwrap();
    Ros2Arm::connect(
        robot.clone(),
        &table,
        &router.endpoint,
        &Security::LoopbackOnly,
        Duration::from_secs(5),
    )
    .unwrap()
}

fn refusal(arm: &mut Ros2Arm) -> String {
    match arm.engage().unwrap_err() {
        LinkError::Refused { reason, .. } => reason,
        other => other.to_string(),
    }
}
