//! What a robot feels of itself, as policies see it.

use crate::{Kinematics, RobotDescription};
use apprentice_core::{CartesianAction, RobotState};

/// In an action's own numbers: for Cartesian control the tool pose from the measured joints (position
/// m, two columns of the rotation) and the opening (m); for joint control the joints, then the
/// opening when there is a gripper.
#[must_use]
pub fn proprioception(description: &RobotDescription, state: &RobotState) -> Vec<f32> {
    if description.is_cartesian()
        && let Ok(kinematics) = Kinematics::new(description)
    {
        let pose = kinematics.tool_pose(&state.positions);
        return CartesianAction {
            pose,
            gripper_width: state.gripper_width,
        }
        .to_vector()
        .to_vec();
    }
    let mut numbers: Vec<f32> = state.positions.iter().map(|&q| q as f32).collect();
    if description.gripper.is_some() {
        numbers.push(state.gripper_width as f32);
    }
    numbers
}
