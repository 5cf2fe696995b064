//! What `[adapter]` of a robot says when its kind is `ros2`.

mod check;

use super::keys::{Convention, Hashes, Keys};
use crate::session::Mode;
use crate::settings::{self, GripperScale};
use apprentice_link::LinkError;
use apprentice_robot::RobotDescription;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The settings.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `ros2`.
    pub kind: String,
    /// Whose keys: `rmw_zenoh` or `ros2dds`.
    #[serde(default)]
    pub keys: Convention,
    /// `ROS_DOMAIN_ID`.
    #[serde(default)]
    pub domain: u32,
    /// What our keys have for type hashes: `rihs01`, or `not_supported` for ROS 2 Humble.
    #[serde(default)]
    pub hashes: Hashes,
    /// How we join: `client` of a router, or `peer` of one other.
    #[serde(default)]
    pub mode: Mode,
    /// Our node's namespace.
    #[serde(default = "root")]
    pub namespace: String,
    /// Our node's name.
    #[serde(default = "our_name")]
    pub node: String,
    /// Where `sensor_msgs/JointState` comes from.
    #[serde(default = "joint_states")]
    pub joint_states: String,
    /// What ROS calls joints where it is not what the description does.
    #[serde(default)]
    pub joint_names: BTreeMap<String, String>,
    /// What takes commands.
    pub command: CommandSettings,
    /// What moves the gripper, when there is one.
    #[serde(default)]
    pub gripper: Option<GripperSettings>,
    /// Where a controller says how much of the commanded speed it allows.
    #[serde(default)]
    pub speed_scaling: Option<SpeedScaling>,
    /// Where pictures come from, by camera.
    #[serde(default)]
    pub cameras: BTreeMap<String, CameraSettings>,
}

/// What takes commands.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CommandSettings {
    /// ros2_control's forward_command_controller: joint positions, every one.
    ForwardCommand {
        /// Such as `/forward_position_controller/commands`.
        topic: String,
        /// The controller's `joints`, in its order; the description's when missing.
        #[serde(default)]
        joints: Vec<String>,
    },
    /// ros2_control's joint_trajectory_controller, or UR's scaled one: whole paths.
    JointTrajectory {
        /// Such as `/joint_trajectory_controller/joint_trajectory`.
        topic: String,
    },
    /// MoveIt Servo, told how fast the tool should move.
    ServoTwist {
        /// Such as `/servo_node/delta_twist_cmds`.
        topic: String,
        /// The robot's base frame, as ROS calls it.
        frame: String,
        /// Fastest, m/s.
        #[serde(default = "quarter")]
        linear_m_s: f64,
        /// Fastest, rad/s.
        #[serde(default = "one")]
        angular_rad_s: f64,
        /// Share of what is missing to the target that is made up for in a second.
        #[serde(default = "gain")]
        gain: f64,
    },
    /// MoveIt Servo, told how fast joints should move.
    ServoJointJog {
        /// Such as `/servo_node/delta_joint_cmds`.
        topic: String,
        /// The robot's base frame, as ROS calls it.
        frame: String,
        /// Share of what is missing to the target that is made up for in a second.
        #[serde(default = "gain")]
        gain: f64,
    },
}

impl CommandSettings {
    /// Where commands go.
    #[must_use]
    pub fn topic(&self) -> &str {
        match self {
            Self::ForwardCommand { topic, .. }
            | Self::JointTrajectory { topic }
            | Self::ServoTwist { topic, .. }
            | Self::ServoJointJog { topic, .. } => topic,
        }
    }
}

/// What moves the gripper. Its position is `at_closed + per_metre * opening`, in its joint's state and in
/// commands.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GripperSettings {
    /// `action`, or `forward_command` for the number behind the joints.
    pub kind: GripperKind,
    /// For `action`: such as `/gripper_controller/gripper_cmd`.
    #[serde(default)]
    pub action: Option<String>,
    /// The gripper's joint in the joint states.
    pub joint: String,
    /// Position with the fingers together.
    #[serde(default)]
    pub at_closed: f64,
    /// Position a metre of opening; negative where closing counts up.
    #[serde(default = "one")]
    pub per_metre: f64,
    /// How hard it may push, N or N m; 0 leaves it to the gripper.
    #[serde(default)]
    pub max_effort: f64,
    /// Openings that differ by less are not sent again, metres.
    #[serde(default = "millimetre")]
    pub step_m: f64,
}

/// How the gripper is commanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GripperKind {
    /// By a `control_msgs/action/GripperCommand`.
    Action,
    /// By one more number in the forward command.
    ForwardCommand,
}

/// Where a controller says how much of the commanded speed it allows (`std_msgs/Float64`).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeedScaling {
    /// Such as `/speed_scaling_state_broadcaster/speed_scaling`.
    pub topic: String,
    /// The number that means full speed: 1, or 100 where it is a percentage.
    pub full: f64,
    /// Without news for so long, commands are held, ms.
    #[serde(default = "half_second")]
    pub stale_ms: u64,
}

/// Where a camera's pictures come from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraSettings {
    /// Such as `/camera/color/image_raw`: 8-bit grey, RGB or YUV 4:2:2, with or without alpha; depth is refused.
    pub topic: String,
    /// Whether it carries JPEG or PNG files (`sensor_msgs/CompressedImage`).
    #[serde(default)]
    pub compressed: bool,
}

fn root() -> String {
    "/".into()
}
fn our_name() -> String {
    "apprentice".into()
}
fn joint_states() -> String {
    "/joint_states".into()
}
fn quarter() -> f64 {
    // 250 mm/s: reduced speed with people near (ISO 10218-1).
    0.25
}
fn one() -> f64 {
    1.0
}
fn gain() -> f64 {
    5.0
}
fn millimetre() -> f64 {
    0.001
}
fn half_second() -> u64 {
    500
}

impl Settings {
    /// Reads and checks `table` against the robot it is for.
    ///
    /// # Errors
    /// Names the first key that is wrong, with what it was and what is allowed.
    pub fn read(table: &toml::Table, robot: &RobotDescription) -> Result<Self, LinkError> {
        let read: Self = settings::read(table, robot)?;
        read.check(robot)?;
        Ok(read)
    }

    /// How topics become keys.
    #[must_use]
    pub fn key_rules(&self) -> Keys {
        Keys {
            convention: self.keys,
            domain: self.domain,
            hashes: self.hashes,
        }
    }

    /// What ROS calls a joint of the description.
    #[must_use]
    pub fn ros_name<'a>(&'a self, joint: &'a str) -> &'a str {
        self.joint_names.get(joint).map_or(joint, String::as_str)
    }
}

impl GripperSettings {
    /// How openings become positions.
    pub(crate) fn gripper_scale(&self) -> GripperScale {
        GripperScale {
            at_closed: self.at_closed,
            per_metre: self.per_metre,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn robot() -> RobotDescription {
        RobotDescription::embedded("franka_fr3").unwrap()
    }

    const GOOD: &str = "
        kind = 'ros2'
        [command]
        kind = 'forward_command'
        topic = '/forward_position_controller/commands'
        [gripper]
        kind = 'action'
        action = '/gripper/gripper_cmd'
        joint = 'finger'
        per_metre = 0.5
        [cameras.front]
        topic = '/front/image_raw'
        [cameras.wrist]
        topic = '/wrist/image_raw/compressed'
        compressed = true
    ";

    fn read(text: &str) -> Result<Settings, LinkError> {
        Settings::read(&text.parse().unwrap(), &robot())
    }

    #[test]
    fn good_settings_are_read() {
        let settings = read(GOOD).unwrap();
        assert_eq!(settings.keys, Convention::RmwZenoh);
        assert_eq!((settings.mode, settings.domain), (Mode::Client, 0));
        let opening = settings.gripper.unwrap().gripper_scale();
        assert_eq!(opening.position(0.08), 0.04);
        assert_eq!(opening.width(0.04), 0.08);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, names) in [
            ("kind = 'ros2'", "kind = 'ros2'\nspeed = 3", "speed"),
            ("kind = 'ros2'", "kind = 'ros2'\ndomain = 300", "domain"),
            ("kind = 'ros2'", "kind = 'ros2'\nnode = 'a b'", "node"),
            ("kind = 'ros2'", "kind = 'ros2'\nkeys = 'dds'", "keys"),
            (
                "/front/image_raw",
                "/front//image_raw",
                "cameras.front.topic",
            ),
            ("[cameras.wrist]", "[cameras.top]", "cameras.top"),
            ("'forward_command'", "'forward'", "forward"),
            ("action = '/gripper/gripper_cmd'", "", "gripper.action"),
            ("per_metre = 0.5", "per_metre = 0.0", "per_metre"),
            ("per_metre = 0.5", "max_effort = nan", "max_effort"),
            ("[gripper]", "joints = ['a']\n[gripper]", "command.joints"),
        ] {
            assert!(GOOD.contains(from));
            let error = read(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(names), "{names}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
