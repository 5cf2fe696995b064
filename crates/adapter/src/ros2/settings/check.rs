//! Whether settings are of use, with the robot they are for.

use super::{CommandSettings, GripperKind, Settings};
use crate::settings::{check_cameras, check_joint_names, needed_gripper, refuse};
use apprentice_link::LinkError;
use apprentice_robot::RobotDescription;

impl Settings {
    pub(super) fn check(&self, robot: &RobotDescription) -> Result<(), LinkError> {
        let no = |key: &str, got: &dyn std::fmt::Display, allowed: &str| {
            Err(refuse(robot, key, got.to_string(), allowed))
        };
        if self.kind != "ros2" {
            return no("kind", &self.kind, "ros2");
        }
        // rmw_zenoh derives no limit; DDS ports end at 232.
        if self.domain > 232 {
            return no("domain", &self.domain, "0 to 232");
        }
        if self.node.contains('/') || !is_name(&self.node) {
            return no("node", &self.node, "letters, digits and _");
        }
        if self.namespace != "/" && !is_name(&self.namespace) {
            return no("namespace", &self.namespace, "such as /lab/left");
        }
        let mut topics = vec![
            ("joint_states".to_owned(), self.joint_states.as_str()),
            ("command.topic".into(), self.command.topic()),
        ];
        if let Some(scaling) = &self.speed_scaling {
            topics.push(("speed_scaling.topic".into(), &scaling.topic));
            if !(scaling.full > 0.0 && scaling.full.is_finite()) {
                return no("speed_scaling.full", &scaling.full, "more than 0");
            }
            if !(1..=10_000).contains(&scaling.stale_ms) {
                return no("speed_scaling.stale_ms", &scaling.stale_ms, "1 to 10000");
            }
        }
        for (name, camera) in &self.cameras {
            topics.push((format!("cameras.{name}.topic"), &camera.topic));
        }
        if let Some(gripper) = &self.gripper
            && let Some(action) = &gripper.action
        {
            topics.push(("gripper.action".into(), action));
        }
        if let Some((key, topic)) = topics.iter().find(|(_, topic)| !is_name(topic)) {
            return no(
                key,
                topic,
                "a topic such as /arm/commands: letters, digits, _ and single /",
            );
        }
        check_cameras(&self.cameras, robot, "the topic its pictures come on")?;
        check_joint_names(&self.joint_names, robot)?;
        self.check_command(robot)?;
        self.check_gripper(robot)
    }

    fn check_command(&self, robot: &RobotDescription) -> Result<(), LinkError> {
        let no = |key: &str, got: String, allowed: &str| Err(refuse(robot, key, got, allowed));
        match &self.command {
            CommandSettings::ForwardCommand { joints, .. } if !joints.is_empty() => {
                let mut wanted: Vec<_> = robot
                    .joints
                    .iter()
                    .map(|j| self.ros_name(&j.name))
                    .collect();
                let mut got: Vec<_> = joints.iter().map(String::as_str).collect();
                wanted.sort_unstable();
                got.sort_unstable();
                if wanted != got {
                    return no(
                        "command.joints",
                        joints.join(", "),
                        "each joint of the robot once, by its ROS name",
                    );
                }
            }
            CommandSettings::ServoTwist {
                linear_m_s,
                angular_rad_s,
                gain,
                ..
            } => {
                let all = [*linear_m_s, *angular_rad_s, *gain];
                if !all.iter().all(|v| *v > 0.0 && v.is_finite()) {
                    return no(
                        "command.linear_m_s, angular_rad_s, gain",
                        format!("{all:?}"),
                        "more than 0",
                    );
                }
                if apprentice_robot::Kinematics::new(robot).is_err() {
                    return no(
                        "command.kind",
                        "servo_twist without [kinematics]".into(),
                        "servo_joint_jog, or give the robot's kinematics",
                    );
                }
                if *gain > robot.control_hz {
                    return no(
                        "command.gain",
                        gain.to_string(),
                        "control_hz or less; more would overshoot",
                    );
                }
            }
            CommandSettings::ServoJointJog { gain, .. }
                if !(*gain > 0.0 && *gain <= robot.control_hz) =>
            {
                return no(
                    "command.gain",
                    gain.to_string(),
                    "above 0, up to control_hz",
                );
            }
            _ => {}
        }
        // MoveIt Servo halts when commands are more than 0.1 s apart.
        let servo = matches!(
            self.command,
            CommandSettings::ServoTwist { .. } | CommandSettings::ServoJointJog { .. }
        );
        if servo && robot.control_hz < 20.0 {
            return no(
                "control_hz",
                robot.control_hz.to_string(),
                "20 or more: MoveIt Servo halts after 0.1 s without a command",
            );
        }
        Ok(())
    }

    fn check_gripper(&self, robot: &RobotDescription) -> Result<(), LinkError> {
        let no = |key: &str, got: String, allowed: &str| Err(refuse(robot, key, got, allowed));
        let Some(gripper) = needed_gripper(
            self.gripper.as_ref(),
            robot,
            "what moves the robot's gripper",
        )?
        else {
            return Ok(());
        };
        gripper.gripper_scale().check(robot)?;
        if !(gripper.max_effort >= 0.0 && gripper.max_effort.is_finite()) {
            return no(
                "gripper.max_effort",
                gripper.max_effort.to_string(),
                "0 or more",
            );
        }
        if !(gripper.step_m >= 0.0 && gripper.step_m.is_finite()) {
            return no("gripper.step_m", gripper.step_m.to_string(), "0 or more");
        }
        let forward = matches!(self.command, CommandSettings::ForwardCommand { .. });
        match gripper.kind {
            GripperKind::Action if gripper.action.is_none() => no(
                "gripper.action",
                "missing".into(),
                "the action's name, such as /gripper_controller/gripper_cmd",
            ),
            GripperKind::ForwardCommand if !forward => no(
                "gripper.kind",
                "forward_command".into(),
                "action, where command.kind is not forward_command",
            ),
            _ => Ok(()),
        }
    }
}

/// Whether it is a ROS name: tokens of letters, digits and `_`, not beginning with a digit, between slashes.
fn is_name(name: &str) -> bool {
    let token = |t: &str| {
        !t.is_empty()
            && !t.starts_with(|c: char| c.is_ascii_digit())
            && t.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    name.len() <= 200 && name.strip_prefix('/').unwrap_or(name).split('/').all(token)
}
