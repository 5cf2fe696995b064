//! Differential inverse kinematics: the joints' next step towards a tool pose.

use crate::{DescriptionError, Kinematics, RobotDescription};
use nalgebra::{DVector, Isometry3, Matrix6, Matrix6xX, MatrixXx6, Vector6};

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
    arm: Arm,
    room: Room,
}

/// What does not change from step to step.
#[derive(Clone, Debug)]
struct Arm {
    kinematics: Kinematics,
    home: Vec<f64>,
    limits: Vec<[f64; 2]>,
    speeds: Vec<f64>,
}

/// Room for a step, so that it need not be allocated each time.
#[derive(Clone, Debug)]
struct Room {
    frames: Vec<Isometry3<f64>>,
    jacobian: Matrix6xX<f64>,
    transposed: MatrixXx6<f64>,
    /// Pseudoinverses: damped, and as good as undamped.
    damped: MatrixXx6<f64>,
    exact: MatrixXx6<f64>,
    /// Speeds: towards home, what of that the tool would feel, and all in all.
    home: DVector<f64>,
    felt: DVector<f64>,
    speed: DVector<f64>,
}

impl Room {
    fn new(joints: usize) -> Self {
        Self {
            frames: vec![Isometry3::identity(); joints + 2],
            jacobian: Matrix6xX::zeros(joints),
            transposed: MatrixXx6::zeros(joints),
            damped: MatrixXx6::zeros(joints),
            exact: MatrixXx6::zeros(joints),
            home: DVector::zeros(joints),
            felt: DVector::zeros(joints),
            speed: DVector::zeros(joints),
        }
    }
}

impl DifferentialIk {
    /// For this robot.
    ///
    /// # Errors
    /// When its description has no kinematics.
    pub fn new(description: &RobotDescription) -> Result<Self, DescriptionError> {
        let speeds = description.joints.iter();
        Ok(Self {
            arm: Arm {
                kinematics: Kinematics::new(description)?,
                home: description.home.clone(),
                limits: description.joints.iter().map(|j| j.position).collect(),
                speeds: speeds.map(|j| j.velocity * SPEED_SHARE).collect(),
            },
            room: Room::new(description.joints.len()),
        })
    }

    /// Joint targets `dt` seconds on, on the way from `joints` to `target` (base frame). The error
    /// decays with a time constant of 1/8 s, within the joints' speeds and positions. `joints` as they
    /// are when they or `target` are not this robot's or not finite.
    #[must_use]
    pub fn step(&self, joints: &[f64], target: &Isometry3<f64>, dt: f64) -> Vec<f64> {
        let mut next = Vec::with_capacity(joints.len());
        let mut room = self.room.clone();
        self.arm.step(&mut room, joints, target, dt, &mut next);
        next
    }

    /// As [`DifferentialIk::step`], into `next`, which keeps its room: nothing is allocated once it has some.
    pub fn step_into(
        &mut self,
        joints: &[f64],
        target: &Isometry3<f64>,
        dt: f64,
        next: &mut Vec<f64>,
    ) {
        self.arm.step(&mut self.room, joints, target, dt, next);
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
            if self.arm.error(&joints, target).norm() < 1e-6 {
                return Some(joints);
            }
            joints = self.step(&joints, target, 0.1);
        }
        None
    }
}

impl Arm {
    fn step(
        &self,
        room: &mut Room,
        joints: &[f64],
        target: &Isometry3<f64>,
        dt: f64,
        next: &mut Vec<f64>,
    ) {
        next.clear();
        next.extend_from_slice(joints);
        let finite = target
            .to_homogeneous()
            .iter()
            .chain(joints)
            .all(|v| v.is_finite());
        if joints.len() != self.home.len() || !finite || !self.find_speed(room, joints, target) {
            return;
        }
        let moves = next.iter_mut().zip(room.speed.iter()).zip(&self.limits);
        for ((q, v), [low, high]) in moves {
            *q = (*q + v * dt).clamp(*low, *high);
        }
        if !next.iter().all(|v| v.is_finite()) {
            next.copy_from_slice(joints);
        }
    }

    /// Leaves the joints' speeds in `room`; `false` where there are none.
    fn find_speed(&self, room: &mut Room, joints: &[f64], target: &Isometry3<f64>) -> bool {
        let Room {
            frames,
            jacobian,
            transposed,
            damped,
            exact,
            home,
            felt,
            speed,
        } = room;
        if !self.kinematics.jacobian_into(joints, frames, jacobian) {
            return false;
        }
        let error = self.error(joints, target) * GAIN;
        jacobian.transpose_to(transposed);
        let square = square_of(jacobian);
        let pseudo = |damping: f64, into: &mut MatrixXx6<f64>| {
            let inverse = (square + Matrix6::identity() * damping).try_inverse();
            inverse.map(|inverse| multiply(transposed, &inverse, into))
        };
        if pseudo(DAMPING * DAMPING, damped).is_none() || pseudo(1e-9, exact).is_none() {
            return false;
        }
        let pulls = joints.iter().zip(&self.home);
        for (pull, (q, h)) in home.iter_mut().zip(pulls) {
            *pull = HOME_PULL * (h - q);
        }
        // The tool must not feel the pull: it is projected without damping.
        felt.gemv(1.0, exact, &(&*jacobian * &*home), 0.0);
        speed.gemv(1.0, damped, &error, 0.0);
        *speed += &*home;
        *speed -= &*felt;
        let scale = speed
            .iter()
            .zip(&self.speeds)
            .map(|(v, limit)| v.abs() / limit)
            .fold(1.0f64, f64::max);
        *speed /= scale;
        true
    }

    /// From where the tool is to where it should be: metres, then radians, base frame.
    fn error(&self, joints: &[f64], target: &Isometry3<f64>) -> Vector6<f64> {
        let now = self.kinematics.tool_pose(joints);
        let shift = target.translation.vector - now.translation.vector;
        let turn = (target.rotation * now.rotation.inverse()).scaled_axis();
        Vector6::new(shift.x, shift.y, shift.z, turn.x, turn.y, turn.z)
    }
}

/// The jacobian times its transpose. nalgebra leaves products of this size to a routine that allocates.
fn square_of(jacobian: &Matrix6xX<f64>) -> Matrix6<f64> {
    Matrix6::from_fn(|i, j| {
        let terms = jacobian.column_iter().map(|c| (c[i], c[j]));
        terms.fold(0.0, |sum: f64, (a, b)| a.mul_add(b, sum))
    })
}

/// Writes `a` times `b`, as [`square_of`] does.
fn multiply(a: &MatrixXx6<f64>, b: &Matrix6<f64>, product: &mut MatrixXx6<f64>) {
    for (mut column, of_b) in product.column_iter_mut().zip(b.column_iter()) {
        for (i, value) in column.iter_mut().enumerate() {
            let row = a.row(i);
            let terms = row.iter().zip(of_b.iter());
            *value = terms.fold(0.0, |sum: f64, (a, b)| a.mul_add(*b, sum));
        }
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

    /// The step without room of its own, as matrices are written down.
    fn plain_step(
        ik: &DifferentialIk,
        joints: &[f64],
        target: &Isometry3<f64>,
        dt: f64,
    ) -> Vec<f64> {
        let jacobian = ik.arm.kinematics.jacobian(joints);
        let transposed = jacobian.transpose();
        let square: Matrix6<f64> = &jacobian * &transposed;
        let pseudo = |damping: f64| {
            let inverse = (square + Matrix6::identity() * damping).try_inverse();
            &transposed * inverse.unwrap()
        };
        let pulls = joints.iter().zip(&ik.arm.home);
        let home = DVector::from_iterator(joints.len(), pulls.map(|(q, h)| HOME_PULL * (h - q)));
        let error = ik.arm.error(joints, target) * GAIN;
        let felt = &jacobian * &home;
        let mut speed = pseudo(DAMPING * DAMPING) * error + home - pseudo(1e-9) * felt;
        let shares = speed.iter().zip(&ik.arm.speeds).map(|(v, s)| v.abs() / s);
        speed /= shares.fold(1.0f64, f64::max);
        let moved = joints.iter().zip(speed.iter()).zip(&ik.arm.limits);
        moved
            .map(|((q, v), [low, high])| (q + v * dt).clamp(*low, *high))
            .collect()
    }

    #[test]
    fn steps_with_room_are_those_without_on_every_arm() {
        for name in crate::EMBEDDED {
            let robot = RobotDescription::embedded(name).unwrap();
            let Ok(mut ik) = DifferentialIk::new(&robot) else {
                continue;
            };
            let kinematics = Kinematics::new(&robot).unwrap();
            let down = kinematics.tool_pose(&robot.home);
            let (mut joints, mut next) = (robot.home.clone(), Vec::new());
            for tick in 0..400 {
                let t = f64::from(tick) * 0.05;
                let shift =
                    Translation3::new(0.1 * t.sin(), 0.15 * (0.7 * t).cos(), 0.05 * t.cos());
                let target = shift * down;
                let wanted = plain_step(&ik, &joints, &target, 0.02);
                ik.step_into(&joints, &target, 0.02, &mut next);
                assert_eq!(next, ik.step(&joints, &target, 0.02));
                // Not to the last bit on every processor: nalgebra's own products take what it has.
                let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-9;
                assert!(next.iter().zip(&wanted).all(close), "{name}, tick {tick}");
                joints.clone_from(&next);
            }
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
