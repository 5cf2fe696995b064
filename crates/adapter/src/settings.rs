//! Reading the `[adapter]` table of a robot.

use apprentice_link::LinkError;
use apprentice_robot::{DescriptionError, RobotDescription};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// The table as `T`; an error names the key.
pub(crate) fn read<T: DeserializeOwned>(
    table: &toml::Table,
    robot: &RobotDescription,
) -> Result<T, LinkError> {
    table.clone().try_into().map_err(|e: toml::de::Error| {
        LinkError::Description(DescriptionError::Syntax {
            origin: origin(robot),
            reason: e
                .to_string()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        })
    })
}

/// A setting that will not do.
pub(crate) fn refuse(
    robot: &RobotDescription,
    key: impl Into<String>,
    got: impl Into<String>,
    allowed: impl Into<String>,
) -> LinkError {
    LinkError::Description(DescriptionError::Value {
        origin: origin(robot),
        what: key.into(),
        got: got.into(),
        allowed: allowed.into(),
    })
}

fn origin(robot: &RobotDescription) -> String {
    format!("of {}, [adapter]", robot.name)
}

/// Refuses names for joints that the robot does not have.
pub(crate) fn check_joint_names(
    names: &BTreeMap<String, String>,
    robot: &RobotDescription,
) -> Result<(), LinkError> {
    let known = |name: &str| robot.joints.iter().any(|j| j.name == name);
    match names.keys().find(|name| !known(name)) {
        None => Ok(()),
        Some(name) => {
            let key = format!("joint_names.{name}");
            Err(refuse(robot, key, "given", "joints of the robot only"))
        }
    }
}

/// Refuses cameras that the robot does not have, and wants those that it has; `wanted` says what of each.
pub(crate) fn check_cameras<T>(
    cameras: &BTreeMap<String, T>,
    robot: &RobotDescription,
    wanted: &str,
) -> Result<(), LinkError> {
    let known = |name: &str| robot.cameras.iter().any(|c| c.name == name);
    if let Some(name) = cameras.keys().find(|name| !known(name)) {
        let key = format!("cameras.{name}");
        return Err(refuse(robot, key, "given", "cameras of the robot only"));
    }
    let missing = |name: &str| !cameras.contains_key(name);
    match robot.cameras.iter().find(|c| missing(&c.name)) {
        None => Ok(()),
        Some(camera) => {
            let key = format!("cameras.{}", camera.name);
            Err(refuse(robot, key, "missing", wanted))
        }
    }
}

/// Refuses what is not a zenoh key that frames may come on.
pub(crate) fn check_frame_keys(
    cameras: &BTreeMap<String, String>,
    robot: &RobotDescription,
) -> Result<(), LinkError> {
    for (name, key) in cameras {
        if let Err(e) = zenoh::key_expr::KeyExpr::new(key.as_str()) {
            let got = format!("{key:?} ({e})");
            return Err(refuse(robot, format!("cameras.{name}"), got, "a zenoh key"));
        }
    }
    Ok(())
}

/// The gripper's settings, which are there if the robot has a gripper; `wanted` says what they are.
pub(crate) fn needed_gripper<'a, T>(
    given: Option<&'a T>,
    robot: &RobotDescription,
    wanted: &str,
) -> Result<Option<&'a T>, LinkError> {
    match (given, &robot.gripper) {
        (None, Some(_)) => Err(refuse(robot, "gripper", "missing", wanted)),
        (Some(_), None) => {
            let allowed = "none: the robot has no gripper";
            Err(refuse(robot, "gripper", "given", allowed))
        }
        (given, _) => Ok(given),
    }
}

/// How an opening in metres is said by a gripper: `position = at_closed + per_metre * width`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GripperScale {
    pub at_closed: f64,
    pub per_metre: f64,
}

impl GripperScale {
    /// The gripper's own position for an opening, metres.
    pub fn position(self, width: f64) -> f64 {
        self.at_closed + self.per_metre * width
    }

    /// The opening, metres, at the gripper's own position.
    pub fn width(self, position: f64) -> f64 {
        (position - self.at_closed) / self.per_metre
    }

    /// Refuses numbers that cannot be used.
    pub fn check(self, robot: &RobotDescription) -> Result<(), LinkError> {
        let finite = self.at_closed.is_finite() && self.per_metre.is_finite();
        if finite && self.per_metre != 0.0 {
            return Ok(());
        }
        Err(refuse(
            robot,
            "gripper.at_closed and per_metre",
            format!("{} and {}", self.at_closed, self.per_metre),
            "finite, per_metre not 0",
        ))
    }
}
