//! How hands move a target: within the workspace and the joints' limits, and never far ahead of the arm.

use super::jog_config::JogConfig;
use super::operator_input::OperatorInput;
use apprentice_robot::RobotDescription;
use nalgebra::{Isometry3, UnitQuaternion, Vector3};

/// Distance kept from the walls of the workspace and from joint limits, m, rad (or the joint's unit).
const INSET: f64 = 0.002;

/// A share of full speed that can be trusted.
pub(super) fn share(value: f64) -> f64 {
    if value.is_finite() {
        value.clamp(-1.0, 1.0)
    } else {
        0.0
    }
}

fn shares(values: [f64; 3]) -> Vector3<f64> {
    let vector = Vector3::from(values.map(share));
    // Aslant is not faster than straight on.
    vector / vector.norm().max(1.0)
}

/// Moves the tool's target on as the hands say, and keeps it near where the tool is measured to be.
pub(super) fn move_tool(
    goal: &mut Isometry3<f64>,
    at: &Isometry3<f64>,
    input: &OperatorInput,
    robot: &RobotDescription,
    config: &JogConfig,
    dt: f64,
) {
    let mut place = goal.translation.vector + shares(input.shift) * (config.speed_m_s * dt);
    if let Some(space) = &robot.workspace {
        for ((p, min), max) in place.iter_mut().zip(space.min).zip(space.max) {
            *p = within(*p, min, max);
        }
    }
    let ahead = place - at.translation.vector;
    let too_far = (ahead.norm() / config.max_following_error_m).max(1.0);
    goal.translation.vector = at.translation.vector + ahead / too_far;
    let turn = UnitQuaternion::from_scaled_axis(shares(input.turn) * (config.turn_rad_s * dt));
    let ahead = (at.rotation.inverse() * goal.rotation * turn).scaled_axis();
    let too_far = (ahead.norm() / config.max_following_error_rad).max(1.0);
    goal.rotation = at.rotation * UnitQuaternion::from_scaled_axis(ahead / too_far);
}

/// Moves the chosen joint's target on.
pub(super) fn move_joint(
    goal: &mut [f64],
    chosen: usize,
    input: &OperatorInput,
    robot: &RobotDescription,
    config: &JogConfig,
    dt: f64,
) {
    if let (Some(q), Some(joint)) = (goal.get_mut(chosen), robot.joints.get(chosen)) {
        let speed = config.turn_rad_s.min(joint.velocity);
        let [low, high] = joint.position;
        *q = within(*q + share(input.shift[0]) * speed * dt, low, high);
    }
}

/// Keeps joint targets near the measured joints.
pub(super) fn keep_near(goal: &mut [f64], at: &[f64], config: &JogConfig) {
    for (q, measured) in goal.iter_mut().zip(at) {
        *q = q.clamp(
            measured - config.max_following_error_rad,
            measured + config.max_following_error_rad,
        );
    }
}

/// Kept inside by a little, where there is room for that.
fn within(value: f64, low: f64, high: f64) -> f64 {
    if high - low > 2.0 * INSET {
        value.clamp(low + INSET, high - INSET)
    } else {
        value
    }
}
