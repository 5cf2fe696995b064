//! What `[adapter]` of a robot says when its kind is `physicalai`.

use crate::session::Mode;
use crate::settings::{
    self, GripperScale, check_cameras, check_frame_keys, check_joint_names, needed_gripper, refuse,
};
use apprentice_core::sha256_bytes;
use apprentice_link::LinkError;
use apprentice_robot::RobotDescription;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The settings.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `physicalai`.
    pub kind: String,
    /// What the owner calls the robot.
    pub robot: String,
    /// How we join: `peer` of the owner, or `client` of a router.
    #[serde(default = "peer")]
    pub mode: Mode,
    /// What the owner counts joints in; for `native` it is what the description does.
    #[serde(default)]
    pub unit: Unit,
    /// What the owner calls joints where it is not what the description does.
    #[serde(default)]
    pub joint_names: BTreeMap<String, String>,
    /// The gripper among the owner's joints, when the description has one.
    #[serde(default)]
    pub gripper: Option<GripperJoint>,
    /// Shortest time the owner takes to a target, s; a control period when missing.
    #[serde(default)]
    pub goal_time_s: Option<f64>,
    /// Where frames come from, as native frame messages: the camera's name, then the key.
    #[serde(default)]
    pub cameras: BTreeMap<String, String>,
}

/// What the owner counts joints in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// In the description's units.
    #[default]
    Native,
    /// In degrees, where the description has radians.
    Degree,
}

/// The gripper. Its position is `at_closed + per_metre * opening`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GripperJoint {
    /// What the owner calls it.
    pub joint: String,
    /// Position with the fingers together.
    pub at_closed: f64,
    /// Position a metre of opening; negative where closing counts up.
    pub per_metre: f64,
}

fn peer() -> Mode {
    Mode::Peer
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

    /// A key of the robot: `state`, `action` or `metadata`.
    #[must_use]
    pub fn key(&self, rest: &str) -> String {
        format!("physicalai/robot/{}/{rest}", self.robot)
    }

    /// What the owner calls a joint of the description.
    #[must_use]
    pub fn owner_name<'a>(&'a self, joint: &'a str) -> &'a str {
        self.joint_names.get(joint).map_or(joint, String::as_str)
    }

    fn check(&self, robot: &RobotDescription) -> Result<(), LinkError> {
        let no = |key: &str, got: &dyn std::fmt::Display, allowed: &str| {
            Err(refuse(robot, key, got.to_string(), allowed))
        };
        if self.kind != "physicalai" {
            return no("kind", &self.kind, "physicalai");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if self.robot.is_empty() || !self.robot.chars().all(plain) {
            return no("robot", &self.robot, "letters, digits, _ and -");
        }
        check_joint_names(&self.joint_names, robot)?;
        if let Some(gripper) = needed_gripper(
            self.gripper.as_ref(),
            robot,
            "which joint the robot's gripper is",
        )? {
            gripper.gripper_scale().check(robot)?;
        }
        if let Some(time) = self.goal_time_s
            && !(0.0..=10.0).contains(&time)
        {
            return no("goal_time_s", &time, "0 to 10 s");
        }
        check_cameras(
            &self.cameras,
            robot,
            "the key its frames come on; physicalai's own do not go over zenoh",
        )?;
        check_frame_keys(&self.cameras, robot)
    }
}

impl GripperJoint {
    /// How openings become positions.
    pub(crate) fn gripper_scale(&self) -> GripperScale {
        GripperScale {
            at_closed: self.at_closed,
            per_metre: self.per_metre,
        }
    }
}

/// Where the owner of a robot listens on its own machine unless told otherwise: a port made of the name.
#[must_use]
pub fn owner_endpoint(robot: &str) -> String {
    let digest = sha256_bytes(format!("physicalai/robot/{robot}").as_bytes());
    // Eight hexadecimal digits are four bytes, the first the highest.
    let head = digest.get(..8).unwrap_or("0");
    let number = u32::from_str_radix(head, 16).unwrap_or(0);
    format!("tcp/127.0.0.1:{}", 20_000 + number % 40_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
        robot.cameras.truncate(1);
        let good = "kind = 'physicalai'\nrobot = 'left'\n[gripper]\njoint = 'g'\nat_closed = 0.0\nper_metre = 1250.0\n[cameras]\nfront = 'lab/front'";
        let read = |text: &str| Settings::read(&text.parse().unwrap(), &robot);
        assert_eq!(
            read(good).unwrap().key("state"),
            "physicalai/robot/left/state"
        );
        for (from, to, names) in [
            ("'left'", "'a/b'", "robot"),
            (
                "kind = 'physicalai'",
                "kind = 'physicalai'\nspeed = 1",
                "speed",
            ),
            ("1250.0", "0.0", "per_metre"),
            ("front = 'lab/front'", "", "cameras.front"),
            ("lab/front", "lab//front", "cameras.front"),
            (
                "robot = 'left'",
                "robot = 'left'\ngoal_time_s = nan",
                "goal_time_s",
            ),
            (
                "robot = 'left'",
                "robot = 'left'\njoint_names = { a = 'b' }",
                "joint_names.a",
            ),
        ] {
            let error = read(&good.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(names), "{names}: {error}");
        }
    }
}
