//! Agents that know what they do without looking.

use apprentice_control::{Agent, ControlError};
use apprentice_core::{
    ActionChunk, ActionSpace, CartesianAction, PolicyInput, PreviousChunk, Seed,
};
use apprentice_robot::{DescriptionError, Kinematics, RobotDescription};
use rand::Rng as _;
use std::time::Duration;

/// The robot of these rows: the FR3 that comes with Apprentice, with small pictures.
///
/// # Errors
/// Never, as long as it comes with Apprentice.
pub fn fr3() -> Result<RobotDescription, DescriptionError> {
    let mut robot = RobotDescription::embedded("franka_fr3")?;
    for camera in &mut robot.cameras {
        (camera.width, camera.height) = (8, 6);
    }
    Ok(robot)
}

/// The tool `aside` metres along y from home.
///
/// # Errors
/// When the robot has no kinematics.
pub fn beside_home(robot: &RobotDescription, aside: f64) -> Result<Vec<f32>, DescriptionError> {
    let mut pose = Kinematics::new(robot)?.tool_pose(&robot.home);
    pose.translation.vector.y += aside;
    let action = CartesianAction {
        pose,
        gripper_width: 0.04,
    };
    Ok(action.to_vector().to_vec())
}

/// Sends the tool from side to side in chunks of sixteen, eight of which are meant to be carried out, and
/// takes some time to say so.
pub struct Swaying {
    home: Vec<f32>,
    /// Ticks of one way there and back.
    period: f64,
    /// How far to each side, metres.
    far: f64,
    thinks: Duration,
    jitter: Duration,
    rng: Box<dyn rand::RngCore + Send>,
}

/// Actions in a chunk.
const LENGTH: u64 = 16;
/// Actions of a chunk that are carried out.
const N_ACTION_STEPS: usize = 8;

impl Swaying {
    /// 5 cm to each side in 4 s.
    ///
    /// # Errors
    /// When the robot has no kinematics.
    pub fn new(robot: &RobotDescription) -> Result<Self, DescriptionError> {
        Ok(Self {
            home: beside_home(robot, 0.0)?,
            period: 4.0 * robot.policy_hz,
            far: 0.05,
            thinks: Duration::ZERO,
            jitter: Duration::ZERO,
            rng: Box::new(Seed(12).rng()),
        })
    }

    /// Takes so long to decide, and up to `jitter` more or less.
    #[must_use]
    pub fn taking(mut self, thinks: Duration, jitter: Duration) -> Self {
        (self.thinks, self.jitter) = (thinks, jitter);
        self
    }

    fn chunk(&mut self, input: &PolicyInput<'_>) -> Result<ActionChunk, ControlError> {
        let jitter = self.jitter.as_secs_f64() * self.rng.random_range(-1.0..1.0);
        let takes = (self.thinks.as_secs_f64() + jitter).max(0.0);
        std::thread::sleep(Duration::from_secs_f64(takes));
        let at = |tick: u64| {
            let turn = std::f64::consts::TAU * tick as f64 / self.period;
            let mut action = self.home.clone();
            if let Some(y) = action.get_mut(1) {
                *y += (self.far * turn.sin()) as f32;
            }
            action
        };
        let actions = (input.tick..input.tick + LENGTH).map(at);
        let chunk = ActionChunk::new(ActionSpace::CartesianPose, input.stamp(), actions)?;
        Ok(chunk.with_n_action_steps(N_ACTION_STEPS))
    }
}

impl Agent for Swaying {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        inputs.iter().map(|input| self.chunk(input)).collect()
    }

    fn observation_history(&self) -> usize {
        1
    }

    fn n_action_steps(&self) -> usize {
        N_ACTION_STEPS
    }

    fn plan_ahead(
        &mut self,
        input: &PolicyInput<'_>,
        _previous: Option<&PreviousChunk>,
    ) -> Result<ActionChunk, ControlError> {
        self.chunk(input)
    }
}
