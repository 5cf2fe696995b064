//! The way to a posture, as fast as the joints' limits allow and no faster.

use apprentice_robot::RobotDescription;
use rsruckig::error::ThrowErrorHandler;
use rsruckig::input_parameter::InputParameter;
use rsruckig::ruckig::Ruckig;
use rsruckig::trajectory::Trajectory;
use rsruckig::util::DataArrayOrVec;

/// Share of the joints' limits that is used: nobody watches every step of the way.
const SHARE: f64 = 0.5;
/// Jerk where the description gives none, as a multiple of the acceleration per second (ours).
const DEFAULT_JERK: f64 = 20.0;

/// A motion from one posture to another, at rest at both ends; joints leave and arrive together (Berscheid
/// and Kröger 2021).
pub struct Homing {
    trajectory: Trajectory<0>,
    joints: usize,
}

impl Homing {
    /// From `start` to `goal`, rad (or the joint's unit).
    ///
    /// # Errors
    /// When a posture is not one of this robot, or no motion is found; says why.
    pub fn new(
        description: &RobotDescription,
        start: &[f64],
        goal: &[f64],
    ) -> Result<Self, String> {
        let joints = description.joints.len();
        for posture in [start, goal] {
            if posture.len() != joints || posture.iter().any(|q| !q.is_finite()) {
                return Err(format!(
                    "a posture of {} numbers, allowed: {joints} finite ones",
                    posture.len()
                ));
            }
        }
        let mut input = InputParameter::<0>::new(Some(joints));
        let limits: [Vec<f64>; 3] = [
            description
                .joints
                .iter()
                .map(|j| j.velocity * SHARE)
                .collect(),
            description
                .joints
                .iter()
                .map(|j| j.acceleration * SHARE)
                .collect(),
            description
                .joints
                .iter()
                .map(|j| j.jerk.unwrap_or(j.acceleration * DEFAULT_JERK) * SHARE)
                .collect(),
        ];
        let [velocity, acceleration, jerk] = limits;
        input.current_position = DataArrayOrVec::Heap(start.to_vec());
        input.target_position = DataArrayOrVec::Heap(goal.to_vec());
        input.max_velocity = DataArrayOrVec::Heap(velocity);
        input.max_acceleration = DataArrayOrVec::Heap(acceleration);
        input.max_jerk = DataArrayOrVec::Heap(jerk);
        let mut trajectory = Trajectory::<0>::new(Some(joints));
        let mut planner =
            Ruckig::<0, ThrowErrorHandler>::new(Some(joints), 1.0 / description.control_hz);
        planner
            .calculate(&input, &mut trajectory)
            .map_err(|e| format!("no motion was found: {e}"))?;
        Ok(Self { trajectory, joints })
    }

    /// How long it takes, seconds.
    #[must_use]
    pub fn duration_s(&self) -> f64 {
        self.trajectory.get_duration()
    }

    /// The posture `seconds` after the start; the goal once it is over.
    #[must_use]
    pub fn at(&self, seconds: f64) -> Vec<f64> {
        let mut posture = DataArrayOrVec::<f64, 0>::new(Some(self.joints), 0.0);
        let time = seconds.clamp(0.0, self.duration_s());
        self.trajectory.at_time(
            time,
            &mut Some(&mut posture),
            &mut None,
            &mut None,
            &mut None,
            &mut None,
        );
        posture.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Checker;
    use apprentice_core::{JointCommand, RobotState};

    #[test]
    fn the_way_home_keeps_every_limit_and_arrives() {
        let robot = RobotDescription::embedded("franka_fr3").unwrap();
        let mut start = robot.home.clone();
        for (q, shift) in start.iter_mut().zip([0.2, -0.1, 0.1, 0.15, -0.2, 0.1, 0.9]) {
            *q += shift;
        }
        let way = Homing::new(&robot, &start, &robot.home).unwrap();
        let mut checker = Checker::new(&robot).unwrap();
        checker.restart(&RobotState {
            sequence: 0,
            stamp_ns: 0,
            positions: start.clone(),
            velocities: vec![0.0; 7],
            gripper_width: 0.0,
        });
        let ticks = (way.duration_s() * robot.control_hz).ceil() as u64 + 1;
        assert!(ticks > 20, "{} s is no motion", way.duration_s());
        for sequence in 0..=ticks {
            let positions = way.at(sequence as f64 / robot.control_hz);
            let command = JointCommand {
                sequence,
                stamp_ns: 0,
                positions,
                gripper_width: 0.0,
            };
            assert_eq!(checker.check(&command, 0), []);
        }
        let end = way.at(1e9);
        assert!(
            end.iter()
                .zip(&robot.home)
                .all(|(a, b)| (a - b).abs() < 1e-9)
        );
        assert!(Homing::new(&robot, &start[..3], &robot.home).is_err());
        assert!(Homing::new(&robot, &[f64::NAN; 7], &robot.home).is_err());
    }
}
