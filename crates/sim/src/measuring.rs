//! What is measured of every episode, whatever its task.

use crate::{error::Result, facts::Facts, hand, outcome::Outcome};
use apprentice_robot::{RobotDescription, SelfDistance};
use nalgebra::{Isometry3, Point3, Vector3};

/// Follows an episode.
#[derive(Debug)]
pub(crate) struct Measuring {
    distance: SelfDistance,
    tool: Vector3<f64>,
    peak_speed: f64,
    peak_force: f64,
    table: f64,
    own: f64,
    done_at: Option<f64>,
    now: f64,
    /// What the task measures.
    pub facts: Facts,
    success: Option<bool>,
}

impl Measuring {
    pub(crate) fn new(description: &RobotDescription) -> Result<Self> {
        Ok(Self {
            distance: SelfDistance::new(description)?,
            tool: Vector3::zeros(),
            peak_speed: 0.0,
            peak_force: 0.0,
            table: f64::INFINITY,
            own: f64::INFINITY,
            done_at: None,
            now: 0.0,
            facts: Facts::default(),
            success: None,
        })
    }

    /// Begins anew, the arm at these joints and its tool there, fingers `width` metres apart.
    pub(crate) fn begin(&mut self, joints: &[f64], tool: &Isometry3<f64>, width: f64) {
        self.tool = tool.translation.vector;
        (self.peak_speed, self.peak_force) = (0.0, 0.0);
        self.table = table_clearance(tool, width);
        self.own = f64::INFINITY;
        self.done_at = None;
        self.now = 0.0;
        self.facts = Facts::default();
        self.success = None;
        self.look_at_joints(joints);
    }

    /// A physics step of `dt` seconds is over; `force` is what the hand pressed with, N.
    pub(crate) fn step(&mut self, tool: &Isometry3<f64>, width: f64, force: f64, dt: f64) {
        let at = tool.translation.vector;
        self.peak_speed = self.peak_speed.max((at - self.tool).norm() / dt);
        self.tool = at;
        self.peak_force = self.peak_force.max(force);
        self.table = self.table.min(table_clearance(tool, width));
        self.now += dt;
    }

    /// The task says whether it is done now.
    pub(crate) fn judged(&mut self, success: Option<bool>) {
        self.success = success;
        if success == Some(true) && self.done_at.is_none() {
            self.done_at = Some(self.now);
        }
    }

    /// How near the arm is to itself.
    pub(crate) fn look_at_joints(&mut self, joints: &[f64]) {
        self.own = self.own.min(self.distance.clearance(joints));
    }

    /// How the episode stands.
    pub(crate) fn outcome(&self) -> Outcome {
        let mut facts = self.facts.clone();
        facts.set("duration_s", self.done_at.unwrap_or(self.now));
        facts.set("peak_tool_speed_m_s", self.peak_speed);
        facts.set("peak_contact_force_n", self.peak_force);
        facts.set("table_clearance_m", self.table);
        facts.set("self_clearance_m", self.own);
        Outcome {
            success: self.success,
            facts,
        }
    }
}

/// Height of the lowest corner of palm and fingers over the plane of the table top, metres.
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
    lowest.into_iter().fold(f64::INFINITY, f64::min)
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
