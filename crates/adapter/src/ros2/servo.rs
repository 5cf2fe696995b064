//! Speeds for MoveIt Servo out of joint targets: where the target moves, plus a share of what is missing.

use crate::cdr::{Twist, Vector3};
use apprentice_robot::{DescriptionError, Kinematics, RobotDescription};
use nalgebra::Vector6;

/// MoveIt Servo's `lower_singularity_threshold`: from this condition number of the Jacobian on it is slower.
pub const SLOWDOWN_CONDITION: f64 = 17.0;
/// MoveIt Servo's `hard_stop_singularity_threshold`: from here on it stops.
pub const STOP_CONDITION: f64 = 30.0;

/// Tool speeds.
pub(super) struct TwistMaker {
    kinematics: Kinematics,
    /// m/s and rad/s.
    fastest: [f64; 2],
    /// 1/s.
    gain: f64,
    hz: f64,
}

impl TwistMaker {
    pub fn new(
        description: &RobotDescription,
        fastest: [f64; 2],
        gain: f64,
    ) -> Result<Self, DescriptionError> {
        Ok(Self {
            kinematics: Kinematics::new(description)?,
            fastest,
            gain,
            hz: description.control_hz,
        })
    }

    /// The tool's velocity, base frame, that follows a target going from `before` to `target` in a control
    /// period, with the arm at `measured`. Slower near singular postures as MoveIt Servo is, unless it leaves
    /// them; none when a number is not finite.
    pub fn twist(&self, before: &[f64], target: &[f64], measured: &[f64]) -> Twist {
        let went = self.way(before, target) * self.hz;
        let missing = self.way(measured, before) * self.gain;
        let twist = went + missing;
        let [linear, angular] = self.fastest;
        let speed = |from: usize| twist.fixed_rows::<3>(from).norm();
        let over = (speed(0) / linear).max(speed(3) / angular).max(1.0);
        let near = condition(&self.kinematics, measured);
        let next = condition(&self.kinematics, target);
        let share = if next < near {
            1.0
        } else {
            speed_scale(near.max(next))
        };
        let v = twist * (share / over);
        if !v.iter().all(|v| v.is_finite()) {
            return Twist::default();
        }
        Twist {
            linear: Vector3 {
                x: v.x,
                y: v.y,
                z: v.z,
            },
            angular: Vector3 {
                x: v.w,
                y: v.a,
                z: v.b,
            },
        }
    }

    /// From the tool at `from` to the tool at `to`: metres, then radians, base frame.
    fn way(&self, from: &[f64], to: &[f64]) -> Vector6<f64> {
        let (from, to) = (
            self.kinematics.tool_pose(from),
            self.kinematics.tool_pose(to),
        );
        let shift = to.translation.vector - from.translation.vector;
        let turn = (to.rotation * from.rotation.inverse()).scaled_axis();
        Vector6::new(shift.x, shift.y, shift.z, turn.x, turn.y, turn.z)
    }
}

/// The condition number of the Jacobian (m and rad, as MoveIt Servo computes it): 1 is best, infinite where
/// the tool cannot move in some direction.
pub(super) fn condition(kinematics: &Kinematics, joints: &[f64]) -> f64 {
    let jacobian = kinematics.jacobian(joints);
    if !jacobian.iter().all(|v| v.is_finite()) {
        return f64::INFINITY;
    }
    let values = jacobian.singular_values();
    let (least, most) = (values.min(), values.max());
    if least > 0.0 {
        most / least
    } else {
        f64::INFINITY
    }
}

/// The share of the speed that is left at a condition number.
pub(super) fn speed_scale(condition: f64) -> f64 {
    // NaN is near nothing that is safe.
    if condition.is_nan() {
        return 0.0;
    }
    ((STOP_CONDITION - condition) / (STOP_CONDITION - SLOWDOWN_CONDITION)).clamp(0.0, 1.0)
}

/// Joint speeds, rad/s, that follow a target going from `before` to `target` in a control period with the arm
/// at `measured`; together no faster than each joint's own speed; none when a number is not finite.
pub(super) fn jog(
    before: &[f64],
    target: &[f64],
    measured: &[f64],
    hz: f64,
    gain: f64,
    speeds: &[f64],
) -> Vec<f64> {
    let each = before.iter().zip(target).zip(measured);
    let velocities: Vec<f64> = each
        .map(|((before, target), measured)| (target - before) * hz + (before - measured) * gain)
        .collect();
    let over = velocities
        .iter()
        .zip(speeds)
        .map(|(v, most)| v.abs() / most);
    let over = over.fold(1.0f64, f64::max);
    let finite = velocities.iter().all(|v| v.is_finite());
    let scaled = velocities
        .iter()
        .map(|v| if finite { v / over } else { 0.0 });
    scaled.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fr3() -> RobotDescription {
        RobotDescription::embedded("franka_fr3").unwrap()
    }

    #[test]
    fn thresholds_are_moveit_servos() {
        assert_eq!(
            [1.0, 17.0, 30.0, f64::INFINITY, f64::NAN].map(speed_scale),
            [1.0, 1.0, 0.0, 0.0, 0.0]
        );
        assert!((speed_scale(23.5) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn singular_postures_stop_the_tool_unless_it_leaves_them() {
        let robot = fr3();
        let maker = TwistMaker::new(&robot, [0.25, 1.0], 5.0).unwrap();
        // Stretched straight up the arm cannot move its tool along z.
        let mut straight = robot.home.clone();
        straight[1] = 0.0;
        straight[3] = -0.1518;
        straight[5] = 0.0;
        let near = condition(&maker.kinematics, &straight);
        let home = condition(&maker.kinematics, &robot.home);
        assert!(
            near > STOP_CONDITION && home < SLOWDOWN_CONDITION,
            "{near} and {home}"
        );
        let mut bent = straight.clone();
        bent[3] -= 0.01;
        let (better, worse) = if condition(&maker.kinematics, &bent) < near {
            (bent, straight)
        } else {
            (straight, bent)
        };
        assert!(condition(&maker.kinematics, &better) > STOP_CONDITION);
        assert_eq!(maker.twist(&better, &worse, &better), Twist::default());
        assert_ne!(maker.twist(&worse, &better, &worse), Twist::default());
    }

    #[test]
    fn twists_lead_to_the_target() {
        let robot = fr3();
        let maker = TwistMaker::new(&robot, [10.0, 10.0], 5.0).unwrap();
        let k = &maker.kinematics;
        let mut joints = robot.home.clone();
        let target: Vec<f64> = joints.iter().map(|q| q + 0.02).collect();
        // A tool that moves as it is told gets there: joints by the pseudo-inverse, as Servo does.
        for _ in 0..100 {
            let twist = maker.twist(&target, &target, &joints);
            let v = nalgebra::DVector::from_vec(vec![
                twist.linear.x,
                twist.linear.y,
                twist.linear.z,
                twist.angular.x,
                twist.angular.y,
                twist.angular.z,
            ]);
            let step = k.jacobian(&joints).pseudo_inverse(1e-9).unwrap() * v / robot.control_hz;
            joints
                .iter_mut()
                .zip(step.iter())
                .for_each(|(q, s)| *q += s);
        }
        let gap = (k.tool_pose(&joints).translation.vector
            - k.tool_pose(&target).translation.vector)
            .norm();
        assert!(gap < 1e-4, "{gap}");
        let fast = maker.twist(
            &robot.home,
            &robot.home.iter().map(|q| q + 1.0).collect::<Vec<_>>(),
            &robot.home,
        );
        let speed = (fast.linear.x.powi(2) + fast.linear.y.powi(2) + fast.linear.z.powi(2)).sqrt();
        assert!(speed <= 10.0 + 1e-9, "{speed}");
        let nowhere = maker.twist(&robot.home, &[f64::NAN; 7], &robot.home);
        assert_eq!(nowhere, Twist::default());
    }

    #[test]
    fn joints_keep_their_speeds_together() {
        let v = jog(
            &[0.0, 0.0],
            &[0.01, 0.02],
            &[0.0, 0.1],
            100.0,
            5.0,
            &[0.5, 10.0],
        );
        // 1 and 2 - 0.5 rad/s, halved for the first.
        assert!(
            (v[0] - 0.5).abs() < 1e-12 && (v[1] - 0.75).abs() < 1e-12,
            "{v:?}"
        );
        assert_eq!(
            jog(&[0.0], &[f64::INFINITY], &[0.0], 100.0, 5.0, &[1.0]),
            [0.0]
        );
    }
}
