//! Where the hand takes the mug.

use super::{grasp::Grasp, mug};
use crate::motion::{down, nearest, yaw_of};
use nalgebra::{Isometry3, Translation3, Vector3};
use std::f64::consts::PI;

/// The tool pose (base frame), pointing straight down, at which the fingers close to take the mug at `mug_pose` in
/// this way, for a hand whose tool is at `tool`. `nominal` is the middle of the directions in which handles point,
/// radians about base z. `None` for a grasp that is no style.
#[must_use]
pub fn grasp_pose(
    grasp: Grasp,
    mug_pose: &Isometry3<f64>,
    nominal: f64,
    tool: &Isometry3<f64>,
) -> Option<Isometry3<f64>> {
    let at_mug = mug_pose.translation.vector;
    let handle = mug_pose.rotation * Vector3::x();
    let (direction, home_yaw) = (handle.y.atan2(handle.x), yaw_of(tool));
    let along = |angle: f64| Vector3::new(angle.cos(), angle.sin(), 0.0);
    let (at, height, yaw) = match grasp {
        // Fingers close across the handle, so the tool's x axis lies along it.
        Grasp::Handle => (
            along(direction) * (mug::handle_radius() - 0.002),
            0.058,
            nearest(direction, home_yaw),
        ),
        // Fingers close along the radius: a quarter turn from the handles' middle direction.
        Grasp::Rim => (
            along(nominal + PI) * mug::rim_radius(),
            0.066,
            nearest(nominal + 0.5 * PI, home_yaw + 0.01),
        ),
        Grasp::Body => return None,
    };
    Some(Isometry3::from_parts(
        Translation3::new(at_mug.x + at.x, at_mug.y + at.y, at_mug.z + height),
        down(yaw),
    ))
}
