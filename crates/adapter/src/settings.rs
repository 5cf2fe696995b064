//! Reading the `[adapter]` table of a robot.

use apprentice_link::LinkError;
use apprentice_robot::{DescriptionError, RobotDescription};
use serde::de::DeserializeOwned;

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

/// How an opening in metres is said by a gripper: `position = at_closed + per_metre * width`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Opening {
    pub at_closed: f64,
    pub per_metre: f64,
}

impl Opening {
    /// The gripper's own position for an opening, metres.
    pub fn position(self, width: f64) -> f64 {
        self.at_closed + self.per_metre * width
    }

    /// The opening, metres, at the gripper's own position.
    pub fn width(self, position: f64) -> f64 {
        (position - self.at_closed) / self.per_metre
    }

    /// Whether both numbers can be used.
    pub fn is_usable(self) -> bool {
        self.at_closed.is_finite() && self.per_metre.is_finite() && self.per_metre != 0.0
    }
}
