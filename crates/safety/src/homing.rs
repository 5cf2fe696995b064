//! The way to a posture, as fast as the joints' limits allow and no faster, clear of workspace and the arm itself.

use crate::geometry_limits::GeometryLimits;
use crate::{GuardConfig, GuardError};
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
/// Rounding of distances, metres or rad.
const ROUNDING: f64 = 1e-6;

/// Where joints are and how they move.
#[derive(Clone, Debug, PartialEq)]
pub struct Motion {
    /// Positions, rad (or the joint's unit).
    pub positions: Vec<f64>,
    /// Velocities, rad/s.
    pub velocities: Vec<f64>,
    /// Accelerations, rad/s^2.
    pub accelerations: Vec<f64>,
}

impl Motion {
    /// At rest here.
    #[must_use]
    pub fn at_rest(positions: &[f64]) -> Self {
        Self {
            positions: positions.to_vec(),
            velocities: vec![0.0; positions.len()],
            accelerations: vec![0.0; positions.len()],
        }
    }
}

/// A motion to a posture, at rest at its end; joints arrive together (Berscheid and Kröger 2021).
pub struct Homing {
    trajectory: Trajectory<0>,
    joints: usize,
}

impl Homing {
    /// From rest at `start` to `goal`, rad (or the joint's unit).
    ///
    /// # Errors
    /// As [`Homing::from_motion`].
    pub fn new(
        description: &RobotDescription,
        start: &[f64],
        goal: &[f64],
    ) -> Result<Self, String> {
        Self::from_motion(description, &Motion::at_rest(start), goal)
    }

    /// From joints that may be moving to `goal`, rad (or the joint's unit): it goes on from how they move, within
    /// their acceleration and jerk. The arm itself and the workspace are not looked at; see [`Homing::check`].
    ///
    /// # Errors
    /// When a posture is not one of this robot, or no motion is found; says why.
    pub fn from_motion(
        description: &RobotDescription,
        start: &Motion,
        goal: &[f64],
    ) -> Result<Self, String> {
        let joints = description.joints.len();
        for posture in [
            &start.positions,
            &start.velocities,
            &start.accelerations,
            goal,
        ] {
            if posture.len() != joints || posture.iter().any(|q| !q.is_finite()) {
                return Err(format!(
                    "a posture of {} numbers, allowed: {joints} finite ones",
                    posture.len()
                ));
            }
        }
        let mut input = InputParameter::<0>::new(Some(joints));
        let jerk = |j: &apprentice_robot::Joint| j.jerk.unwrap_or(j.acceleration * DEFAULT_JERK);
        let limits = |of: &dyn Fn(&apprentice_robot::Joint) -> f64| {
            DataArrayOrVec::Heap(description.joints.iter().map(|j| of(j) * SHARE).collect())
        };
        input.max_velocity = limits(&|j| j.velocity);
        input.max_acceleration = limits(&|j| j.acceleration);
        input.max_jerk = limits(&jerk);
        let (mut velocities, mut accelerations) = (Vec::new(), Vec::new());
        let moving = start.velocities.iter().zip(&start.accelerations);
        for (joint, (&v, &a)) in description.joints.iter().zip(moving) {
            let v = v.clamp(-joint.velocity, joint.velocity);
            // While it speeds up less the speed still grows by a^2 / 2j, and must not beyond the limit.
            let left = (joint.velocity - v * a.signum()).max(0.0);
            let most = (2.0 * SHARE * jerk(joint) * left)
                .sqrt()
                .min(joint.acceleration);
            velocities.push(v);
            accelerations.push(a.clamp(-most, most));
        }
        input.current_position = DataArrayOrVec::Heap(start.positions.clone());
        input.current_velocity = DataArrayOrVec::Heap(velocities);
        input.current_acceleration = DataArrayOrVec::Heap(accelerations);
        input.target_position = DataArrayOrVec::Heap(goal.to_vec());
        let mut trajectory = Trajectory::<0>::new(Some(joints));
        let mut planner =
            Ruckig::<0, ThrowErrorHandler>::new(Some(joints), 1.0 / description.control_hz);
        planner
            .calculate(&input, &mut trajectory)
            .map_err(|e| format!("no motion was found: {e}"))?;
        Ok(Self { trajectory, joints })
    }

    /// Whether the whole way keeps position limits and workspace and stays clear of the arm itself, looked at
    /// once a control period. A start that is outside may come back in, and go no further out.
    ///
    /// # Errors
    /// What the way would cross, by how much, and when.
    pub fn check(
        &self,
        description: &RobotDescription,
        clear: &mut Clearance,
    ) -> Result<(), String> {
        let start = self.at(0.0);
        let mut before = clear.excess(description, &start);
        for tick in 1..=(self.duration_s() * description.control_hz).ceil() as u64 {
            let seconds = tick as f64 / description.control_hz;
            let now = clear.excess(description, &self.at(seconds));
            for ((what, unit, now), (_, _, before)) in now.iter().zip(&mut before) {
                if *now > before.max(0.0) + ROUNDING {
                    return Err(format!(
                        "after {seconds:.2} s {what} by {now:.4} {unit}, allowed: not at all; move the arm by hand, or by small motions to where its way home is free"
                    ));
                }
                *before = before.min(*now);
            }
        }
        Ok(())
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

/// How far an arm's workspace, and the arm itself, are from its postures.
#[derive(Clone, Debug)]
pub struct Clearance(GeometryLimits);

/// What would be crossed, in which unit, and by how much; less than 0 for clear of it.
type Crossed<'d> = (&'static str, &'d str, f64);

impl Clearance {
    /// Of this robot, with the guard's own distance between its capsules.
    ///
    /// # Errors
    /// As [`crate::Guard::new`].
    pub fn new(description: &RobotDescription) -> Result<Self, GuardError> {
        Ok(Self(GeometryLimits::new(
            description,
            &GuardConfig::default(),
        )?))
    }

    fn excess<'d>(
        &mut self,
        description: &'d RobotDescription,
        posture: &[f64],
    ) -> [Crossed<'d>; 3] {
        let joints = description.joints.iter().zip(posture);
        let outside = |(j, q): (&'d apprentice_robot::Joint, &f64)| {
            let [low, high] = j.position;
            (j.unit.as_str(), (low - q).max(q - high))
        };
        let (unit, beyond) = joints
            .map(outside)
            .fold(("", f64::NEG_INFINITY), |most, next| {
                if next.1 > most.1 { next } else { most }
            });
        let excess = self.0.excess(posture);
        [
            ("a joint would be beyond its limits", unit, beyond),
            ("the tool would leave the workspace", "m", excess.workspace),
            (
                "parts of the arm would be too near each other",
                "m",
                excess.nearness,
            ),
        ]
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
            efforts: None,
            external_wrench: None,
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
