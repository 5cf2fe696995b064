//! What reaches a robot: nothing the guard has not let through, in time, and a stop when it must.
#![allow(clippy::unwrap_used)]

mod demonstration;
mod fake_robot;
mod hostile_actions;
mod paths;
mod real_time;
mod second_publisher;

use apprentice_control::{Agent, ControlError, EpisodePlan};
use apprentice_core::{ActionChunk, CartesianAction, PolicyInput, Seed};
use apprentice_episode::{CameraInfo, EpisodeMeta, Source};
use apprentice_robot::{Kinematics, RobotDescription};
use std::path::Path;
use std::time::{Duration, Instant};

pub fn fr3() -> RobotDescription {
    RobotDescription::embedded("franka_fr3").unwrap()
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
            Source::Expert,
            cameras.collect(),
            "cartesian_pose_gripper",
            robot.action_dim(),
            robot.policy_hz,
        ),
        seed: Seed(seed),
    }
}

/// The tool `aside` metres along y from home.
pub fn beside_home(robot: &RobotDescription, aside: f64) -> Vec<f32> {
    let mut pose = Kinematics::new(robot).unwrap().tool_pose(&robot.home);
    pose.translation.vector.y += aside;
    let action = CartesianAction {
        pose,
        gripper_width: 0.04,
    };
    action.to_vector().to_vec()
}

/// Sends the tool from side to side, chunk by chunk, and takes its time to think of it.
pub struct Ditherer {
    pub robot: RobotDescription,
    pub thinks: Duration,
    pub thought: Vec<(Instant, Instant)>,
}

impl Agent for Ditherer {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        let begun = Instant::now();
        std::thread::sleep(self.thinks);
        self.thought.push((begun, Instant::now()));
        let side = if self.thought.len().is_multiple_of(2) {
            -0.15
        } else {
            0.15
        };
        let actions = vec![beside_home(&self.robot, side); 3];
        inputs
            .iter()
            .map(|input| {
                let space = self.robot.action_space();
                Ok(ActionChunk::new(space, input.stamp(), &actions)?)
            })
            .collect()
    }

    fn observation_history(&self) -> usize {
        1
    }
}
