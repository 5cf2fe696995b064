//! A robot as its `robot.toml` describes it.

use crate::DescriptionError;
use apprentice_core::CARTESIAN_ACTION_DIM;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A robot: limits, kinematics, cameras, and what its actions mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RobotDescription {
    /// Its name, as in the keys of the link.
    pub name: String,
    /// What an action means.
    pub control: Control,
    /// Actions a second.
    pub policy_hz: f64,
    /// Commands a second.
    pub control_hz: f64,
    /// Joint positions at the start of an episode, rad (or the joint's unit).
    pub home: Vec<f64>,
    /// Where the tool may be; needs kinematics.
    #[serde(default)]
    pub workspace: Option<Workspace>,
    /// The joints, from the base on.
    pub joints: Vec<Joint>,
    /// How joints make a pose; a robot without has joint control.
    #[serde(default)]
    pub kinematics: Option<Chain>,
    /// The gripper, when there is one.
    #[serde(default)]
    pub gripper: Option<Gripper>,
    /// Shapes that must not come to touch each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capsules: Vec<Capsule>,
    /// Pairs of capsules (indices) that are never checked because they always touch. Capsules on the same
    /// or on neighbouring frames never are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_touch: Vec<[usize; 2]>,
    /// How the robot is talked to where it does not speak the native link; `kind` names the adapter, which
    /// reads the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<toml::Table>,
    /// The cameras.
    #[serde(default)]
    pub cameras: Vec<Camera>,
}

/// What an action's numbers mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// A [`apprentice_core::CartesianAction`].
    Cartesian,
    /// Joint targets, then the opening when there is a gripper.
    Joint,
}

/// One joint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Joint {
    /// Its name.
    pub name: String,
    /// Lowest and highest position, rad.
    pub position: [f64; 2],
    /// Highest speed, rad/s.
    pub velocity: f64,
    /// Highest acceleration, rad/s^2.
    pub acceleration: f64,
    /// Highest jerk, rad/s^3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jerk: Option<f64>,
    /// Highest torque, N m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub torque: Option<f64>,
    /// How its highest speed falls towards its position limits, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barrier: Option<VelocityBarrier>,
    /// The unit of position when it is not the radian.
    #[serde(default = "radian")]
    pub unit: String,
}

fn radian() -> String {
    "rad".into()
}

/// A speed limit that falls towards a joint's position limits:
/// `min(velocity, max(0, -offset + sqrt(max(0, 2 * deceleration * distance))))`, distance in rad to the limit
/// the joint moves towards (Franka Control Interface documentation, FR3).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VelocityBarrier {
    /// rad/s^2.
    pub deceleration: f64,
    /// rad/s.
    pub offset: f64,
}

/// A capsule around a piece of the arm: all points nearer than `radius` to the segment from `from` to `to`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capsule {
    /// What it is fixed to: 0 the base, i the frame of joint i, joints + 1 the tool frame.
    pub frame: usize,
    /// One end, metres in that frame.
    pub from: [f64; 3],
    /// The other end, metres in that frame.
    pub to: [f64; 3],
    /// Metres.
    pub radius: f64,
}

/// A box in the base frame, metres.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workspace {
    /// Lowest x, y, z.
    pub min: [f64; 3],
    /// Highest x, y, z.
    pub max: [f64; 3],
}

/// A serial chain of revolute joints in modified Denavit-Hartenberg form (Craig 1986).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// a (m), d (m), alpha (rad) of each joint.
    pub dh: Vec<[f64; 3]>,
    /// The tool frame along z of the last joint's frame, metres.
    pub tool_offset_m: f64,
    /// The tool frame's turn about that z, radians.
    pub tool_turn_rad: f64,
}

/// A parallel gripper.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gripper {
    /// Widest opening, metres.
    pub max_width_m: f64,
    /// Speed of the opening, m/s.
    pub speed_m_s: f64,
}

/// Where a camera is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mount {
    /// Fixed in the base frame.
    World,
    /// Fixed in the tool frame.
    Tool,
}

/// A camera; its frame has z forward and y down in the picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    /// Its name, as in the keys of the link.
    pub name: String,
    /// What it is fixed to.
    pub mount: Mount,
    /// Where it is, metres in the mount's frame.
    pub position: [f64; 3],
    /// What it looks at, metres in the mount's frame.
    pub target: [f64; 3],
    /// What is up in its picture, direction in the mount's frame.
    pub up: [f64; 3],
    /// Vertical angle of view, degrees.
    pub vertical_fov_deg: f64,
    /// Width of its pictures, pixels.
    pub width: u32,
    /// Height of its pictures, pixels.
    pub height: u32,
    /// Seconds after which pictures that do not differ in a single byte are taken for those of a camera that
    /// hangs. Leave it out for cameras without noise, such as simulated ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen_after_s: Option<f64>,
}

impl RobotDescription {
    /// Reads and checks a description; `origin` names it in errors.
    ///
    /// # Errors
    /// One line on the first thing that is wrong.
    pub fn parse(text: &str, origin: &str) -> Result<Self, DescriptionError> {
        let parsed: Self = toml::from_str(text).map_err(|e| DescriptionError::Syntax {
            origin: origin.into(),
            reason: e
                .to_string()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        })?;
        parsed.check(origin)?;
        Ok(parsed)
    }

    /// Reads `robot.toml` in a folder.
    ///
    /// # Errors
    /// When it cannot be read or is not valid.
    pub fn load(folder: &Path) -> Result<Self, DescriptionError> {
        let file = folder.join("robot.toml");
        let origin = file.display().to_string();
        match std::fs::read_to_string(&file) {
            Ok(text) => Self::parse(&text, &origin),
            Err(e) => Err(DescriptionError::Unreadable {
                origin,
                reason: e.to_string(),
            }),
        }
    }

    /// A robot that comes with Apprentice.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn embedded(name: &str) -> Result<Self, DescriptionError> {
        match name {
            "franka_fr3" => Self::parse(include_str!("../../../robots/franka_fr3/robot.toml"), name),
            _ => Err(DescriptionError::Unreadable {
                origin: name.into(),
                reason: "no robot of that name comes with Apprentice (franka_fr3 does), and it is no folder".into(),
            }),
        }
    }

    /// As TOML, for the link.
    ///
    /// # Errors
    /// When a name cannot be written.
    pub fn to_toml(&self) -> Result<String, DescriptionError> {
        toml::to_string(self).map_err(|e| DescriptionError::Syntax {
            origin: self.name.clone(),
            reason: e.to_string(),
        })
    }

    /// Whether actions are poses.
    #[must_use]
    pub fn is_cartesian(&self) -> bool {
        self.control == Control::Cartesian
    }

    /// Numbers of an action.
    #[must_use]
    pub fn action_dim(&self) -> usize {
        match self.control {
            Control::Cartesian => CARTESIAN_ACTION_DIM,
            Control::Joint => self.joints.len() + usize::from(self.gripper.is_some()),
        }
    }

    fn check(&self, origin: &str) -> Result<(), DescriptionError> {
        let refuse = |what: String, got: String, allowed: &str| {
            Err(DescriptionError::Value {
                origin: origin.into(),
                what,
                got,
                allowed: allowed.into(),
            })
        };
        let plain = |n: &str| {
            !n.is_empty()
                && n.chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        };
        if !plain(&self.name) {
            return refuse(
                "name".into(),
                format!("{:?}", self.name),
                "letters, digits, _ and -",
            );
        }
        if self.joints.is_empty() || self.joints.len() > 64 {
            return refuse(
                "joints".into(),
                self.joints.len().to_string(),
                "1 to 64 joints",
            );
        }
        if self.home.len() != self.joints.len() {
            return refuse(
                "home".into(),
                format!("{} numbers", self.home.len()),
                "one a joint",
            );
        }
        let slow =
            self.policy_hz > 0.0 && self.policy_hz <= self.control_hz && self.control_hz <= 1000.0;
        if !slow {
            return refuse(
                "policy_hz and control_hz".into(),
                format!("{} and {}", self.policy_hz, self.control_hz),
                "0 < policy_hz <= control_hz <= 1000",
            );
        }
        for (joint, &home) in self.joints.iter().zip(&self.home) {
            let [low, high] = joint.position;
            let name = &joint.name;
            if !plain(name) || self.joints.iter().filter(|j| j.name == *name).count() > 1 {
                return refuse(
                    "a joint's name".into(),
                    format!("{name:?}"),
                    "letters, digits, _ and -, each once",
                );
            }
            if !(low.is_finite() && high.is_finite() && low < high) {
                let unit = &joint.unit;
                return refuse(
                    format!("position of joint {name}"),
                    format!("[{low}, {high}] {unit}"),
                    "[lowest, highest]",
                );
            }
            if !(low..=high).contains(&home) {
                return refuse(
                    format!("home of joint {name}"),
                    home.to_string(),
                    "within its position limits",
                );
            }
            let all = [
                joint.velocity,
                joint.acceleration,
                joint.jerk.unwrap_or(1.0),
            ];
            if all.iter().any(|v| !(*v > 0.0 && v.is_finite())) {
                return refuse(
                    format!("velocity, acceleration, jerk of joint {name}"),
                    format!("{all:?}"),
                    "more than 0",
                );
            }
        }
        if let Some(w) = &self.workspace
            && (0..3)
                .any(|i| !(w.min[i].is_finite() && w.max[i].is_finite() && w.min[i] < w.max[i]))
        {
            return refuse(
                "workspace".into(),
                format!("{:?} to {:?} m", w.min, w.max),
                "min below max on each axis",
            );
        }
        // A number that is not finite would make the workspace impossible to check, not smaller.
        if let Some(chain) = &self.kinematics
            && !chain
                .dh
                .iter()
                .flatten()
                .chain([&chain.tool_offset_m, &chain.tool_turn_rad])
                .all(|v| v.is_finite())
        {
            return refuse(
                "kinematics".into(),
                format!("{chain:?}"),
                "finite numbers (m and rad)",
            );
        }
        match &self.kinematics {
            Some(chain) if chain.dh.len() != self.joints.len() => {
                return refuse(
                    "kinematics.dh".into(),
                    format!("{} rows", chain.dh.len()),
                    "one a joint",
                );
            }
            None if self.is_cartesian() => {
                return refuse(
                    "control".into(),
                    "cartesian".into(),
                    "joint, or give [kinematics]",
                );
            }
            None if self.workspace.is_some() => {
                return refuse(
                    "workspace".into(),
                    "given without [kinematics]".into(),
                    "both or neither",
                );
            }
            _ => {}
        }
        if let Some(g) = &self.gripper
            && !(g.max_width_m > 0.0
                && g.max_width_m.is_finite()
                && g.speed_m_s > 0.0
                && g.speed_m_s.is_finite())
        {
            return refuse(
                "gripper".into(),
                format!("{} m, {} m/s", g.max_width_m, g.speed_m_s),
                "more than 0",
            );
        }
        for camera in &self.cameras {
            let name = &camera.name;
            if !plain(name) || self.cameras.iter().filter(|c| c.name == *name).count() > 1 {
                return refuse(
                    "a camera's name".into(),
                    format!("{name:?}"),
                    "letters, digits, _ and -, each once",
                );
            }
            if !(1..=4096).contains(&camera.width) || !(1..=4096).contains(&camera.height) {
                return refuse(
                    format!("size of camera {name}"),
                    format!("{}x{} pixels", camera.width, camera.height),
                    "1 to 4096 each way",
                );
            }
            if !(1.0..=170.0).contains(&camera.vertical_fov_deg) {
                return refuse(
                    format!("vertical_fov_deg of camera {name}"),
                    camera.vertical_fov_deg.to_string(),
                    "1 to 170",
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FR3: &str = include_str!("../../../robots/franka_fr3/robot.toml");

    #[test]
    fn the_embedded_robot_is_valid_and_survives_the_link() {
        let fr3 = RobotDescription::embedded("franka_fr3").unwrap();
        assert_eq!(
            (fr3.joints.len(), fr3.action_dim(), fr3.cameras.len()),
            (7, 10, 2)
        );
        assert_eq!(
            RobotDescription::parse(&fr3.to_toml().unwrap(), "link").unwrap(),
            fr3
        );
    }

    #[test]
    fn bad_descriptions_get_one_clear_line() {
        let reversed = FR3.replace(
            "position = [-1.7837, 1.7837]",
            "position = [1.7837, -1.7837]",
        );
        let error = RobotDescription::parse(&reversed, "robot.toml")
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "robot description robot.toml: position of joint fr3_joint2 is [1.7837, -1.7837] rad, \
             allowed: [lowest, highest]; correct robot.toml"
        );
        let nowhere = FR3.replace("tool_offset_m = 0.2104", "tool_offset_m = nan");
        let error = RobotDescription::parse(&nowhere, "x")
            .unwrap_err()
            .to_string();
        assert!(error.contains("kinematics") && error.contains("finite"));
        let unknown = FR3.replace("policy_hz", "polcy_hz");
        let error = RobotDescription::parse(&unknown, "x")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("polcy_hz") && !error.contains('\n'),
            "{error}"
        );
    }
}
