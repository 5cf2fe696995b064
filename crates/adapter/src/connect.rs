//! The adapter that a robot's description names.

use crate::settings::refuse;
use crate::{franka_node, physicalai, ros2};
use apprentice_link::security::Security;
use apprentice_link::{Arm, LinkError};
use apprentice_robot::RobotDescription;
use std::time::Duration;

/// Connects to the robot at `endpoint` (such as `tcp/127.0.0.1:7447`) by the adapter that `kind` in its
/// `[adapter]` names. The robot is left alone until it is engaged.
///
/// # Errors
/// When there is no such adapter, one of its settings is wrong, or nothing answers within `timeout`.
pub fn connect(
    description: RobotDescription,
    endpoint: &str,
    security: &Security,
    timeout: Duration,
) -> Result<Box<dyn Arm>, LinkError> {
    let allowed = "\"ros2\", \"franka_node\" or \"physicalai\"; without [adapter] a robot speaks the native link";
    let Some(table) = description.adapter.clone() else {
        return Err(refuse(&description, "adapter", "missing", allowed));
    };
    match table.get("kind").and_then(toml::Value::as_str) {
        Some("ros2") => {
            let arm = ros2::Ros2Arm::connect(description, &table, endpoint, security, timeout)?;
            Ok(Box::new(arm))
        }
        Some("physicalai") => {
            let arm = physicalai::PhysicalAiArm::connect(
                description,
                &table,
                endpoint,
                security,
                timeout,
            )?;
            Ok(Box::new(arm))
        }
        Some("franka_node") => {
            franka_node::connect(description, &table, endpoint, security, timeout)
        }
        other => Err(refuse(&description, "kind", format!("{other:?}"), allowed)),
    }
}
