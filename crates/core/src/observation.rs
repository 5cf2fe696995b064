//! What a robot reports and what it is told.

use crate::Image;

/// Joint state of an arm at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct RobotState {
    /// Counts up by one a message; a gap is a loss.
    pub sequence: u64,
    /// Robot clock when the joints were read, nanoseconds.
    pub stamp_ns: u64,
    /// Joint positions, radians.
    pub positions: Vec<f64>,
    /// Joint velocities, radians per second.
    pub velocities: Vec<f64>,
    /// Opening between the fingers, metres.
    pub gripper_width: f64,
    /// Joint efforts, N m (N where a joint slides), one a joint, as the robot reports them: torques of its
    /// motors or, where its driver subtracts its own weight and friction, external torques. `None` where it
    /// reports none.
    pub efforts: Option<Vec<f64>>,
    /// Force (N) and torque (N m) that the environment exerts on the tool: x, y, z of each, in axes of the base
    /// frame. `None` where the robot reports none.
    pub external_wrench: Option<[f64; 6]>,
}

impl RobotState {
    /// Becomes what `other` is, in the memory it has: nothing is allocated where `other` has no more joints, and
    /// efforts where this one has.
    pub fn copy_from(&mut self, other: &Self) {
        self.sequence = other.sequence;
        self.stamp_ns = other.stamp_ns;
        self.positions.clone_from(&other.positions);
        self.velocities.clone_from(&other.velocities);
        self.gripper_width = other.gripper_width;
        self.efforts.clone_from(&other.efforts);
        self.external_wrench = other.external_wrench;
    }
}

/// One picture from one camera.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraFrame {
    /// Counts up by one a message; a gap is a loss.
    pub sequence: u64,
    /// Robot clock at exposure, nanoseconds.
    pub stamp_ns: u64,
    /// The picture.
    pub image: Image,
}

/// Absolute joint target for one control tick. Never a difference: a lost difference is a wrong
/// place, a lost target is only late.
#[derive(Clone, Debug, PartialEq)]
pub struct JointCommand {
    /// Counts up by one a command.
    pub sequence: u64,
    /// Sender's clock, nanoseconds.
    pub stamp_ns: u64,
    /// Joint targets, radians.
    pub positions: Vec<f64>,
    /// Finger opening target, metres.
    pub gripper_width: f64,
}

impl JointCommand {
    /// Becomes what `other` is, in the memory it has: nothing is allocated where `other` has no more joints.
    pub fn copy_from(&mut self, other: &Self) {
        self.sequence = other.sequence;
        self.stamp_ns = other.stamp_ns;
        self.positions.clone_from(&other.positions);
        self.gripper_width = other.gripper_width;
    }
}

/// One policy tick: the joints and one frame of each camera, in the order of the robot's
/// description.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The joints.
    pub state: RobotState,
    /// The frames, one a camera.
    pub frames: Vec<CameraFrame>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copied_state_keeps_its_memory_where_the_other_has_as_many_numbers() {
        let state = |value: f64| RobotState {
            sequence: value as u64,
            stamp_ns: 5,
            positions: vec![value; 7],
            velocities: vec![value; 7],
            gripper_width: value,
            efforts: Some(vec![value; 7]),
            external_wrench: Some([value; 6]),
        };
        let mut copy = state(1.0);
        let memory = |s: &RobotState| {
            [&s.positions, &s.velocities, s.efforts.as_ref().unwrap()].map(|list| list.as_ptr())
        };
        let before = memory(&copy);
        copy.copy_from(&state(2.0));
        assert_eq!(copy, state(2.0));
        assert_eq!(memory(&copy), before);
        let without = RobotState {
            efforts: None,
            external_wrench: None,
            ..state(3.0)
        };
        copy.copy_from(&without);
        assert_eq!(copy, without);
    }
}
