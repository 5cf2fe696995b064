//! Episodes to be recorded, and ticks that no robot has to be run for.

use crate::memory_robot::noise;
use apprentice_control::EpisodePlan;
use apprentice_core::{CameraFrame, Observation, RobotState, Seed};
use apprentice_episode::{CameraInfo, DecidedBy, EpisodeMeta, Source, Tick};
use apprentice_robot::RobotDescription;
use std::path::Path;

/// What is written at the head of episodes of this robot.
#[must_use]
pub fn meta(robot: &RobotDescription) -> EpisodeMeta {
    let cameras = robot.cameras.iter().map(|c| CameraInfo {
        name: c.name.clone(),
        width: c.width,
        height: c.height,
    });
    EpisodeMeta::new(
        "a fault on purpose",
        &robot.name,
        Source::Expert,
        cameras.collect(),
        "cartesian_pose_gripper",
        robot.action_dim(),
        robot.policy_hz,
    )
}

/// An episode of this robot, to be recorded in a folder.
#[must_use]
pub fn plan(robot: &RobotDescription, folder: &Path, name: &str) -> EpisodePlan {
    let mut meta = meta(robot);
    meta.seed = 7;
    EpisodePlan {
        path: folder.join(format!("{name}.mcap")),
        seed: Seed(meta.seed),
        meta,
    }
}

/// Tick `index` of an episode of this robot, with pictures of noise.
#[must_use]
pub fn tick(robot: &RobotDescription, index: u64) -> Tick {
    let frames = robot
        .cameras
        .iter()
        .enumerate()
        .map(|(place, camera)| CameraFrame {
            sequence: index,
            stamp_ns: index * 1_000_000,
            image: noise(camera.width, camera.height, index * 5 + place as u64),
        });
    Tick {
        index,
        stamp_ns: index * 1_000_000,
        observation: Observation {
            state: RobotState {
                sequence: index,
                stamp_ns: index * 1_000_000,
                positions: robot.home.clone(),
                velocities: vec![0.0; robot.home.len()],
                gripper_width: 0.04,
                efforts: None,
                external_wrench: None,
            },
            frames: frames.collect(),
        },
        proprioception: vec![index as f32; 8],
        action: vec![index as f32; robot.action_dim()],
        guard_refusals: Vec::new(),
        decided_by: DecidedBy::Agent,
        unexecuted: Vec::new(),
    }
}
