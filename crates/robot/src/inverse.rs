//! Differential inverse kinematics: the joints' next step towards a tool pose.

use crate::{DescriptionError, Kinematics, RobotDescription};
use nalgebra::{DMatrix, DVector, Isometry3, Matrix6, Vector6};

/// Share of the pose error that is corrected per step of a [`DifferentialIk::solve`].
const GAIN: f64 = 8.0;
/// Damping of the least squares (Nakamura and Hanafusa 1986).
const DAMPING: f64 = 0.02;
/// Pull towards the home posture in the null space, 1/s.
const HOME_PULL: f64 = 0.5;
/// Share of the joints' speed limits that a step may use.
const SPEED_SHARE: f64 = 0.9;

/// Damped least squares with a pull to the home posture where the tool does not feel it.
#[derive(Clone, Debug)]
pub struct DifferentialIk {
    kinematics: Kinematics,
    home: Vec<f64>,
    limits: Vec<[f64; 2]>,
    speeds: Vec<f64>,
}

impl DifferentialIk {
    /// For this robot.
    ///
    /// # Errors
    /// When its description has no kinematics.
    pub fn new(description: &RobotDescription) -> Result<Self, DescriptionError> {
        Ok(Self {
            kinematics: Kinematics::new(description)?,
            home: description.home.clone(),
            limits: description.joints.iter().map(|j| j.position).collect(),
            speeds: description
                .joints
                .iter()
                .map(|j| j.velocity * SPEED_SHARE)
                .collect(),
        })
    }

    /// Joint targets `dt` seconds on, on the way from `joints` to `target` (base frame). The error
    /// decays with a time constant of 1/8 s, within the joints' speeds and positions. `joints` as they
    /// are when they or `target` are not this robot's or not finite.
    #[must_use]
    pub fn step(&self, joints: &[f64], target: &Isometry3<f64>, dt: f64) -> Vec<f64> {
        let finite = target
            .to_homogeneous()
            .iter()
            .chain(joints)
            .all(|v| v.is_finite());
        if joints.len() != self.home.len() || !finite {
            return joints.to_vec();
        }
        let next = self.next(joints, target, dt);
        if next.iter().all(|v| v.is_finite()) {
            next
        } else {
            joints.to_vec()
        }
    }

    fn next(&self, joints: &[f64], target: &Isometry3<f64>, dt: f64) -> Vec<f64> {
        let error = self.error(joints, target) * GAIN;
        let jacobian = self.kinematics.jacobian(joints);
        let transposed = jacobian.transpose();
        let square: Matrix6<f64> = &jacobian * &transposed;
        let pseudo = |damping: f64| {
            (square + Matrix6::identity() * damping)
                .try_inverse()
                .map(|inverse| {
                    let product = &transposed * inverse;
                    DMatrix::from_iterator(joints.len(), 6, product.iter().copied())
                })
        };
        let (Some(damped), Some(exact)) = (pseudo(DAMPING * DAMPING), pseudo(1e-9)) else {
            return joints.to_vec();
        };
        let home = DVector::from_iterator(
            joints.len(),
            joints
                .iter()
                .zip(&self.home)
                .map(|(q, h)| HOME_PULL * (h - q)),
        );
        let felt = &jacobian * &home;
        // The tool must not feel the pull: it is projected without damping.
        let mut speed = damped * error + home - exact * felt;
        let scale = speed
            .iter()
            .zip(&self.speeds)
            .map(|(v, limit)| v.abs() / limit)
            .fold(1.0f64, f64::max);
        speed /= scale;
        joints
            .iter()
            .zip(speed.iter())
            .zip(&self.limits)
            .map(|((q, v), [low, high])| (q + v * dt).clamp(*low, *high))
            .collect()
    }

    /// Joints that reach `target` to 1e-6 (metres and radians), from `start` on; `None` when they are
    /// not found within `iterations` steps.
    #[must_use]
    pub fn solve(
        &self,
        start: &[f64],
        target: &Isometry3<f64>,
        iterations: usize,
    ) -> Option<Vec<f64>> {
        let mut joints = start.to_vec();
        for _ in 0..iterations {
            if self.error(&joints, target).norm() < 1e-6 {
                return Some(joints);
            }
            joints = self.step(&joints, target, 0.1);
        }
        None
    }

    /// From where the tool is to where it should be: metres, then radians, base frame.
    fn error(&self, joints: &[f64], target: &Isometry3<f64>) -> Vector6<f64> {
        let now = self.kinematics.tool_pose(joints);
        let shift = target.translation.vector - now.translation.vector;
        let turn = (target.rotation * now.rotation.inverse()).scaled_axis();
        Vector6::new(shift.x, shift.y, shift.z, turn.x, turn.y, turn.z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Translation3, UnitQuaternion, Vector3};

    #[test]
    fn reaches_poses_over_the_table() {
        let d = RobotDescription::embedded("franka_fr3").unwrap();
        let (ik, k) = (
            DifferentialIk::new(&d).unwrap(),
            Kinematics::new(&d).unwrap(),
        );
        let down = k.tool_pose(&d.home).rotation;
        for (x, y, z, yaw) in [
            (0.4, 0.1, 0.05, 0.8),
            (0.56, -0.12, 0.1, -1.2),
            (0.45, 0.0, 0.3, 0.0),
        ] {
            let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw);
            let target = Isometry3::from_parts(Translation3::new(x, y, z), turn * down);
            let q = ik
                .solve(&d.home, &target, 2000)
                .expect("a pose over the table is reachable");
            let reached = k.tool_pose(&q);
            assert!((reached.translation.vector - target.translation.vector).norm() < 1e-5);
        }
    }

    #[test]
    fn joints_that_make_no_sense_stay_as_they_are() {
        let d = RobotDescription::embedded("franka_fr3").unwrap();
        let ik = DifferentialIk::new(&d).unwrap();
        let far = Isometry3::translation(0.5, 0.0, 0.3);
        for joints in [&[][..], &[0.1; 6], &[0.1; 9], &[1e300; 7]] {
            assert_eq!(ik.step(joints, &far, 0.02).len(), joints.len());
        }
        assert!(ik.step(&[f64::NAN; 7], &far, 0.02)[0].is_nan());
        for nowhere in [f64::NAN, f64::INFINITY, 1e300, -1e308] {
            let target = Isometry3::translation(nowhere, 0.0, nowhere);
            let held = ik.step(&d.home, &target, 0.02);
            assert!(held.iter().all(|q| q.is_finite()), "{nowhere}: {held:?}");
        }
        assert_eq!(ik.step(&d.home, &far, f64::NAN), d.home);
    }
}
