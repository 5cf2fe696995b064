//! A robot as its `robot.toml` describes it: the types here, how they are read and checked in files
//! below.

mod checks;
mod difference;
mod reading;

use apprentice_core::{ActionSpace, CARTESIAN_ACTION_DIM};
use serde::{Deserialize, Serialize};

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
    /// Where to read kinematics and capsules that are not given here; `None` once they have been read, so
    /// that what goes over the link is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urdf: Option<UrdfSource>,
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
    /// Lowest and highest position, rad (or its unit).
    pub position: [f64; 2],
    /// Highest speed, rad/s (or its unit a second; so are the others).
    pub velocity: f64,
    /// Highest acceleration, rad/s^2.
    pub acceleration: f64,
    /// Highest jerk, rad/s^3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jerk: Option<f64>,
    /// Highest torque, N m; of a joint that slides the highest force, N.
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

impl Joint {
    /// The unit of what drives it: N where it slides (its unit is m), N m where it turns.
    #[must_use]
    pub fn effort_unit(&self) -> &'static str {
        if self.unit == "m" { "N" } else { "N m" }
    }
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

/// A serial chain of turning joints: either `dh` or `frames`, one row a joint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// a (m), d (m), alpha (rad) of each joint: modified Denavit-Hartenberg form (Craig 1986).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dh: Vec<[f64; 3]>,
    /// With `dh`, the tool frame along z of the last joint's frame, metres.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tool_offset_m: f64,
    /// With `dh`, the tool frame's turn about that z, radians.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tool_turn_rad: f64,
    /// Each joint's frame as in URDF.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<JointFrame>,
    /// With `frames`, the tool frame in the frame of the last joint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Placement>,
}

fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

/// A joint's frame at position 0, in the frame of the joint before (the base frame for the first), and what
/// the joint turns it about.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JointFrame {
    /// Metres.
    pub xyz: [f64; 3],
    /// Turns about fixed x, then y, then z, radians.
    pub rpy: [f64; 3],
    /// The axis, a direction in the joint's own frame.
    pub axis: [f64; 3],
}

/// A frame in another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// Metres.
    pub xyz: [f64; 3],
    /// Turns about fixed x, then y, then z, radians.
    pub rpy: [f64; 3],
}

/// Which part of a URDF file is the robot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UrdfSource {
    /// The file's name, beside `robot.toml`.
    pub file: String,
    /// The link that is the base frame.
    pub base: String,
    /// The link that is the tool frame.
    pub tip: String,
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
    /// Whether actions are poses.
    #[must_use]
    pub fn is_cartesian(&self) -> bool {
        self.control == Control::Cartesian
    }

    /// What the numbers of its actions mean.
    #[must_use]
    pub fn action_space(&self) -> ActionSpace {
        match self.control {
            Control::Cartesian => ActionSpace::CartesianPose,
            Control::Joint => ActionSpace::JointPositions,
        }
    }

    /// Numbers of an action.
    #[must_use]
    pub fn action_dim(&self) -> usize {
        match self.control {
            Control::Cartesian => CARTESIAN_ACTION_DIM,
            Control::Joint => self.joints.len() + usize::from(self.gripper.is_some()),
        }
    }
}

#[cfg(test)]
mod tests;
