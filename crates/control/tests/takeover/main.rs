//! People take the arm at any tick, and hand it back: who has it, what it is told at the switch, and what the
//! episode says of it.
#![allow(clippy::unwrap_used)]

mod homing;
mod marks;
mod random_ticks;
mod real_time;
mod slow_keys;
mod waiting;
mod watched_arm;

use apprentice_control::EpisodePlan;
use apprentice_core::Seed;
use apprentice_episode::{CameraInfo, EpisodeMeta, Source};
use apprentice_robot::RobotDescription;
use std::path::Path;

/// The simulated robot, with pictures as small as it renders them: they are not looked at here.
pub fn small_fr3() -> RobotDescription {
    let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
    for camera in &mut robot.cameras {
        (camera.width, camera.height) = (16, 16);
    }
    robot
}

/// An episode of this robot, to be recorded in a folder.
pub fn episode(robot: &RobotDescription, folder: &Path, name: &str, seed: u64) -> EpisodePlan {
    let cameras = robot.cameras.iter().map(|c| CameraInfo {
        name: c.name.clone(),
        width: c.width,
        height: c.height,
    });
    EpisodePlan {
        path: folder.join(format!("{name}.mcap")),
        meta: EpisodeMeta::new(
            "a test",
            &robot.name,
            Source::Policy,
            cameras.collect(),
            "cartesian_pose_gripper",
            robot.action_dim(),
            robot.policy_hz,
        ),
        seed: Seed(seed),
    }
}
