//! Whether what an agent decided is meant for this robot, and may be recorded.

use crate::ControlError;
use apprentice_core::{ActionChunk, PolicyInput};
use apprentice_robot::RobotDescription;

/// A chunk is executed only where it is of the robot's own kind of actions, and was decided from the observation that
/// was shown.
pub(crate) fn belongs(
    chunk: &ActionChunk,
    robot: &RobotDescription,
    input: &PolicyInput<'_>,
) -> Result<(), ControlError> {
    let refuse = |got: String, expected: String| Err(ControlError::Agent { got, expected });
    let (got, expected) = (chunk.space(), robot.action_space());
    if got != expected {
        return refuse(
            format!("a chunk of {}", got.name()),
            format!("{}, as robot {} is told", expected.name(), robot.name),
        );
    }
    let (got, expected) = (chunk.observed(), input.stamp());
    if got != expected {
        return refuse(
            format!("a chunk decided at tick {} ({} ns)", got.tick, got.stamp_ns),
            format!(
                "one decided from the observation at tick {} ({} ns)",
                expected.tick, expected.stamp_ns
            ),
        );
    }
    if chunk.is_empty() {
        return refuse("no action".into(), "one or more".into());
    }
    Ok(())
}

/// An action that is recorded is learnt from: it must be one.
pub(crate) fn recordable(action: &[f32], numbers: usize) -> Result<(), ControlError> {
    let refuse = |got: String| {
        Err(ControlError::Agent {
            got,
            expected: format!("{numbers} finite numbers in each action to be recorded"),
        })
    };
    if action.len() != numbers {
        return refuse(format!("an action of {} numbers", action.len()));
    }
    match action.iter().position(|v| !v.is_finite()) {
        Some(i) => refuse(format!("an action whose number {i} is {}", action[i])),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_core::{ActionSpace, ObservationStamp, Seed};

    #[test]
    fn chunks_of_another_space_or_observation_are_refused() {
        let robot = RobotDescription::embedded("franka_fr3").unwrap();
        let input = PolicyInput {
            robot: 0,
            seed: Seed(0),
            tick: 4,
            observations: &[],
        };
        let chunk = |space, tick| {
            let observed = ObservationStamp { tick, stamp_ns: 0 };
            ActionChunk::new(space, observed, [[0.0; 10]]).unwrap()
        };
        let refused = |chunk: &ActionChunk| belongs(chunk, &robot, &input).unwrap_err().to_string();
        assert!(belongs(&chunk(ActionSpace::CartesianPose, 4), &robot, &input).is_ok());
        let error = refused(&chunk(ActionSpace::JointPositions, 4));
        assert!(
            error.contains("a chunk of joint_positions, expected cartesian_pose"),
            "{error}"
        );
        let error = refused(&chunk(ActionSpace::CartesianPose, 3));
        assert!(
            error.contains("at tick 3 (0 ns), expected one decided from"),
            "{error}"
        );
        let none: [[f32; 0]; 0] = [];
        let empty = ActionChunk::new(ActionSpace::CartesianPose, input.stamp(), none).unwrap();
        assert!(refused(&empty).contains("no action"));
    }
}
