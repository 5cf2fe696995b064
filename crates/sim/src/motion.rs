//! How an expert moves the tool.

use crate::expert_config::ExpertConfig;
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use std::f64::consts::PI;

/// The pose on the way from `tool` to `goal` (both base frame) that one tick at `speed` m/s reaches.
#[must_use]
pub fn towards(
    tool: &Isometry3<f64>,
    goal: &Isometry3<f64>,
    speed: f64,
    config: &ExpertConfig,
) -> Isometry3<f64> {
    let ahead = 1.0 / config.rate_hz + config.lag_s;
    let way = goal.translation.vector - tool.translation.vector;
    let share = (speed * ahead / way.norm().max(1e-9)).min(1.0);
    let turn = tool.rotation.rotation_to(&goal.rotation);
    let turn_share = (config.turn_rad_s * ahead / turn.angle().max(1e-9)).min(1.0);
    Isometry3::from_parts(
        Translation3::from(tool.translation.vector + way * share),
        turn.powf(turn_share) * tool.rotation,
    )
}

/// The tool pointing down with its x axis at `yaw` about base z.
#[must_use]
pub fn down(yaw: f64) -> UnitQuaternion<f64> {
    UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw)
        * UnitQuaternion::from_axis_angle(&Vector3::x_axis(), PI)
}

/// Direction of the tool's x axis about base z, rad.
#[must_use]
pub fn yaw_of(tool: &Isometry3<f64>) -> f64 {
    let x = tool.rotation * Vector3::x();
    x.y.atan2(x.x)
}

/// `angle` or `angle + pi`, rad, turned by whole turns to lie within a quarter turn of `reference`: the hand is
/// symmetric, so of two equal wrist angles the nearer one is taken.
#[must_use]
pub fn nearest(angle: f64, reference: f64) -> f64 {
    angle - ((angle - reference) / PI).round() * PI
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrist_takes_the_shorter_turn() {
        assert!((nearest(3.0, 0.0) - (3.0 - PI)).abs() < 1e-12);
        assert!((nearest(-1.0, 0.0) + 1.0).abs() < 1e-12);
        assert!((nearest(0.5 * PI, 0.01) - 0.5 * PI).abs() < 1e-12);
    }
}
