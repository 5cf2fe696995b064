//! What `[adapter]` of a robot says when its kind is `franka_node`.

use super::wire::JOINTS;
use crate::settings::{self, check_cameras, check_frame_keys, refuse};
use apprentice_link::LinkError;
use apprentice_robot::RobotDescription;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The settings.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `franka_node`.
    pub kind: String,
    /// What the node calls the arm: the middle of `franka/<arm>/target`.
    pub arm: String,
    /// Our number among the node's clients, not 0; made from the session's identity when it is missing.
    #[serde(default)]
    pub client_id: Option<u32>,
    /// Targets a second the node takes: its `rate_hz`.
    #[serde(default = "node_rate")]
    pub rate_hz: f64,
    /// Whether engaging an arm that stands in a fault recovers it first; otherwise a person has to.
    #[serde(default)]
    pub recover: bool,
    /// Force of closing, newtons. When it is given, closing is a grasp, otherwise a move.
    #[serde(default)]
    pub grasp_force_n: Option<f64>,
    /// A file with what else zenoh needs: certificates, passwords.
    #[serde(default)]
    pub zenoh_config: Option<PathBuf>,
    /// Where frames come from, as native frame messages: the camera's name, then the key.
    #[serde(default)]
    pub cameras: BTreeMap<String, String>,
}

/// The node's default.
fn node_rate() -> f64 {
    250.0
}

impl Settings {
    /// Reads and checks `table` against the robot it is for.
    ///
    /// # Errors
    /// Names the first key that is wrong, with what it was and what is allowed.
    pub fn read(table: &toml::Table, robot: &RobotDescription) -> Result<Self, LinkError> {
        let settings: Self = settings::read(table, robot)?;
        settings.check(robot)?;
        Ok(settings)
    }

    fn check(&self, robot: &RobotDescription) -> Result<(), LinkError> {
        let refuse = |key: &str, got: String, allowed: &str| Err(refuse(robot, key, got, allowed));
        if self.kind != "franka_node" {
            return refuse("kind", format!("{:?}", self.kind), "\"franka_node\"");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let taken = ["node", "cam"].contains(&self.arm.as_str());
        if self.arm.is_empty() || taken || !self.arm.chars().all(plain) {
            return refuse(
                "arm",
                format!("{:?}", self.arm),
                "letters, digits, _ and -, and neither node nor cam",
            );
        }
        if self.client_id == Some(0) {
            return refuse("client_id", "0".into(), "1 to 4294967295");
        }
        // NaN is in no range.
        if !(1.0..=1000.0).contains(&self.rate_hz) {
            return refuse("rate_hz", format!("{} Hz", self.rate_hz), "1 to 1000 Hz");
        }
        if robot.control_hz > self.rate_hz {
            return refuse(
                "rate_hz",
                format!(
                    "{} Hz below the robot's control_hz of {}",
                    self.rate_hz, robot.control_hz
                ),
                "control_hz or more; the node refuses faster targets",
            );
        }
        if let Some(force) = self.grasp_force_n
            && !(force > 0.0 && force <= 140.0)
        {
            // 140 N: highest force of the Franka Hand, by its product manual.
            return refuse(
                "grasp_force_n",
                format!("{force} N"),
                "above 0, up to 140 N",
            );
        }
        if robot.joints.len() != JOINTS {
            return refuse(
                "kind",
                format!("franka_node for {} joints", robot.joints.len()),
                "a robot with 7 joints",
            );
        }
        check_cameras(
            &self.cameras,
            robot,
            "the key its frames come on; franka-node carries none",
        )?;
        check_frame_keys(&self.cameras, robot)
    }

    /// A key of the arm.
    #[must_use]
    pub fn key(&self, rest: &str) -> String {
        format!("franka/{}/{rest}", self.arm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn robot() -> RobotDescription {
        let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
        robot.cameras.truncate(1);
        robot
    }

    fn error(text: &str) -> String {
        let table: toml::Table = text.parse().unwrap();
        Settings::read(&table, &robot()).unwrap_err().to_string()
    }

    #[test]
    fn good_settings_are_read() {
        let text = "kind = 'franka_node'\narm = 'left'\n[cameras]\nfront = 'lab/front'";
        let settings = Settings::read(&text.parse().unwrap(), &robot()).unwrap();
        assert_eq!(settings.key("state"), "franka/left/state");
        assert_eq!((settings.rate_hz, settings.client_id), (250.0, None));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let camera = "[cameras]\nfront = 'lab/front'";
        for (text, names) in [
            ("kind = 'franka_node'", vec!["arm"]),
            (
                "kind = 'franka_node'\narm = 'a'\nspeed = 3",
                vec!["speed", "unknown"],
            ),
            ("kind = 'ros2'\narm = 'a'", vec!["kind", "ros2"]),
            ("kind = 'franka_node'\narm = 'a/b'", vec!["arm", "a/b"]),
            ("kind = 'franka_node'\narm = 'cam'", vec!["arm", "cam"]),
            (
                "kind = 'franka_node'\narm = 'a'\nclient_id = 0",
                vec!["client_id"],
            ),
            (
                "kind = 'franka_node'\narm = 'a'\nrate_hz = nan",
                vec!["rate_hz"],
            ),
            (
                "kind = 'franka_node'\narm = 'a'\nrate_hz = 20.0",
                vec!["rate_hz", "control_hz of 50"],
            ),
            (
                "kind = 'franka_node'\narm = 'a'\ngrasp_force_n = 1e9",
                vec!["grasp_force_n", "140 N"],
            ),
            ("kind = 'franka_node'\narm = 'a'", vec!["cameras.front"]),
        ] {
            let error = error(text);
            assert!(names.iter().all(|n| error.contains(n)), "{text}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
        let extra = format!("kind = 'franka_node'\narm = 'a'\n{camera}\ntop = 'lab/top'");
        assert!(error(&extra).contains("cameras.top"));
        let key = "kind = 'franka_node'\narm = 'a'\n[cameras]\nfront = 'a//b'";
        assert!(error(key).contains("cameras.front"));
    }
}
