//! What is measured of every episode, whatever its task.

use crate::{error::Result, facts::Facts, hand, outcome::Outcome, scene::Scene};
use apprentice_robot::{RobotDescription, SelfDistance};
use nalgebra::{Isometry3, Point3, Vector3};

/// Follows an episode.
#[derive(Debug)]
pub(crate) struct Measuring {
    distance: SelfDistance,
    tool: Vector3<f64>,
    done: bool,
    /// What was measured since the scene began, here and by the task.
    pub facts: Facts,
    success: Option<bool>,
}

impl Measuring {
    pub(crate) fn new(description: &RobotDescription) -> Result<Self> {
        Ok(Self {
            distance: SelfDistance::new(description)?,
            tool: Vector3::zeros(),
            done: false,
            facts: Facts::default(),
            success: None,
        })
    }

    /// Begins anew, the arm at these joints and its tool there, fingers `width` metres apart.
    pub(crate) fn begin(&mut self, joints: &[f64], tool: &Isometry3<f64>, width: f64) {
        self.tool = tool.translation.vector;
        (self.done, self.success) = (false, None);
        self.facts = Facts::default();
        self.facts.set("duration_s", 0.0);
        self.facts.set("peak_tool_speed_m_s", 0.0);
        self.facts.set("peak_contact_force_n", 0.0);
        let height = table_clearance(tool, width);
        self.facts.set("table_clearance_m", height);
        self.look_at_joints(joints);
    }

    /// A physics step of `dt` seconds is over, and led to this scene.
    pub(crate) fn step(&mut self, scene: &Scene, dt: f64) {
        let force = scene.bodies.iter().map(|b| b.contact_force_n).sum();
        let (tool, width, now) = (&scene.tool, scene.width_m, scene.time_s);
        let at = tool.translation.vector;
        let speed = (at - self.tool).norm() / dt;
        self.tool = at;
        let height = table_clearance(tool, width);
        self.facts.peak("peak_tool_speed_m_s", speed);
        self.facts.peak("peak_contact_force_n", force);
        self.facts.lowest("table_clearance_m", height);
        if !self.done {
            self.facts.set("duration_s", now);
        }
    }

    /// The task says whether it is done now.
    pub(crate) fn judged(&mut self, success: Option<bool>) {
        self.success = success;
        self.done |= success == Some(true);
    }

    /// How near the arm is to itself.
    pub(crate) fn look_at_joints(&mut self, joints: &[f64]) {
        // To a micrometre: how far a servo still settles after the last tick is nothing of the episode.
        let clearance = (self.distance.clearance(joints) * 1e6).round() / 1e6;
        self.facts.lowest("self_clearance_m", clearance);
    }

    /// How the episode stands.
    pub(crate) fn outcome(&self) -> Outcome {
        Outcome {
            success: self.success,
            facts: self.facts.clone(),
        }
    }
}

/// Height of the lowest corner of palm and fingers over the plane of the table top, metres, to a micrometre.
fn table_clearance(tool: &Isometry3<f64>, width: f64) -> f64 {
    let boxes = [
        (hand::palm(), hand::PALM_HALF),
        (hand::finger(0, width), hand::FINGER_HALF),
        (hand::finger(1, width), hand::FINGER_HALF),
    ];
    let lowest = boxes.map(|(pose, half)| {
        let middle = tool * (pose * Point3::origin());
        // Of a turned box, each half extent reaches down by its share along z.
        let turn = (tool.rotation * pose.rotation).to_rotation_matrix();
        let down: f64 = (0..3).map(|i| turn[(2, i)].abs() * half[i]).sum();
        middle.z - down
    });
    (lowest.into_iter().fold(f64::INFINITY, f64::min) * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Translation3, UnitQuaternion};

    #[test]
    fn the_fingertips_are_what_is_lowest_of_a_hand_that_points_down() {
        let down = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI);
        let tool = Isometry3::from_parts(Translation3::new(0.5, 0.0, 0.1), down);
        // The tip is 9 mm beyond the tool's origin.
        assert!((table_clearance(&tool, 0.04) - 0.091).abs() < 1e-9);
        let side = UnitQuaternion::from_axis_angle(&Vector3::y_axis(), 0.5 * std::f64::consts::PI);
        let tool = Isometry3::from_parts(Translation3::new(0.5, 0.0, 0.1), side);
        // Pointing along x, half the thickness of the palm, 30 mm, hangs below the axis.
        assert!((table_clearance(&tool, 0.04) - 0.07).abs() < 1e-9);
    }
}
