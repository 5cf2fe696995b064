//! What a guard starts from.

use super::{Guard, joint_motion::JointMotion};
use crate::shaping::clamped;
use apprentice_core::RobotState;
use apprentice_robot::RobotDescription;

/// A joint may be outside its limits by this share of its range when the arm is started, and by no more than
/// this, rad (or its unit): arms sag, and their zero is never set exactly.
const OUTSIDE: (f64, f64) = (0.05, 0.1);

/// Why a guard does not start from a state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StartError {
    /// It is another robot's.
    Joints {
        /// Joints of the state.
        got: usize,
        /// Joints of the robot.
        wanted: usize,
    },
    /// A position or the opening is not a number.
    NotFinite,
    /// A joint is too far outside its limits.
    Outside {
        /// Which, counted from 0.
        joint: usize,
        /// Where it is, rad (or its unit).
        at: f64,
        /// Lowest position to start from.
        low: f64,
        /// Highest position to start from.
        high: f64,
    },
}

impl StartError {
    /// What is wrong, by the names of this robot's description.
    #[must_use]
    pub fn say(&self, robot: &RobotDescription) -> String {
        match self {
            Self::Joints { got, wanted } => {
                format!("its state has {got} joints, the robot has {wanted}")
            }
            Self::NotFinite => "a number of its state is not finite".into(),
            Self::Outside {
                joint,
                at,
                low,
                high,
            } => {
                let joint = robot.joints.get(*joint);
                let (name, unit) = joint.map_or(("?", ""), |j| (&j.name, &j.unit));
                format!("joint {name} is at {at:.4} {unit}, allowed: {low:.4} to {high:.4} {unit}")
            }
        }
    }
}

impl Guard {
    /// Starts from where the robot is, at rest.
    ///
    /// # Errors
    /// A state that is not this robot's, not finite, or outside a joint's limits by more than a small margin is
    /// not started from: the guard goes on as it was.
    pub fn restart(&mut self, state: &RobotState) -> Result<(), StartError> {
        self.check_start(state)?;
        self.position.copy_from_slice(&state.positions);
        for (joint, position) in self.joints.iter_mut().zip(&self.position) {
            *joint = JointMotion::new(joint.limits, *position);
        }
        self.width = clamped(state.gripper_width, 0.0, self.gripper_width);
        self.started = true;
        Ok(())
    }

    fn check_start(&self, state: &RobotState) -> Result<(), StartError> {
        let (got, wanted) = (state.positions.len(), self.joints.len());
        if got != wanted {
            return Err(StartError::Joints { got, wanted });
        }
        if !self.is_sound(state) {
            return Err(StartError::NotFinite);
        }
        for (index, (joint, at)) in self.joints.iter().zip(&state.positions).enumerate() {
            let limits = &joint.limits;
            let margin = (OUTSIDE.0 * (limits.high - limits.low)).min(OUTSIDE.1);
            if limits.excess(*at) > margin {
                return Err(StartError::Outside {
                    joint: index,
                    at: *at,
                    low: limits.low - margin,
                    high: limits.high + margin,
                });
            }
        }
        Ok(())
    }
}
