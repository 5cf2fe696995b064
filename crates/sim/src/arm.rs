//! What the simulator needs of a robot description.

use crate::{
    error::{Result, SimError},
    hand,
    servo::JointLimits,
};
use apprentice_robot::{Camera, Kinematics, Mount, RobotDescription};
use nalgebra::{Isometry3, Matrix3, Rotation3, Translation3, UnitQuaternion, Vector3};

/// The simulated motors can do this many times the speed and acceleration the description allows
/// commands: keeping the limits is the work of the guard, and the simulator must not do it instead.
const MOTOR_RESERVE: f64 = 2.0;

/// A camera as it is mounted.
#[derive(Clone, Debug)]
pub(crate) struct MountedCamera {
    on_tool: bool,
    pose: Isometry3<f64>,
    /// Vertical angle of view, radians.
    pub vertical_fov: f64,
    pub width: u32,
    pub height: u32,
}

impl MountedCamera {
    fn new(camera: &Camera, robot: &str) -> Result<Self> {
        let [eye, target, up] = [camera.position, camera.target, camera.up].map(Vector3::from);
        let ahead = (target - eye).try_normalize(1e-9);
        let right = ahead.and_then(|z| z.cross(&up).try_normalize(1e-9).map(|x| (z, x)));
        let Some((z, x)) = right else {
            return Err(SimError::Robot {
                robot: robot.into(),
                reason: format!(
                    "camera {} looks nowhere: position and target must differ and up must not lie along the view; correct robot.toml",
                    camera.name
                ),
            });
        };
        let turn = Rotation3::from_matrix_unchecked(Matrix3::from_columns(&[x, z.cross(&x), z]));
        Ok(Self {
            on_tool: camera.mount == Mount::Tool,
            pose: Isometry3::from_parts(
                Translation3::from(eye),
                UnitQuaternion::from_rotation_matrix(&turn),
            ),
            vertical_fov: camera.vertical_fov_deg.to_radians(),
            width: camera.width,
            height: camera.height,
        })
    }

    /// The optical frame (x right, y down, z ahead) in the base frame.
    pub(crate) fn pose(&self, tool: &Isometry3<f64>) -> Isometry3<f64> {
        if self.on_tool {
            tool * self.pose
        } else {
            self.pose
        }
    }
}

/// Kinematics, limits and cameras of the arm.
#[derive(Debug)]
pub(crate) struct Arm {
    kinematics: Kinematics,
    pub home: Vec<f64>,
    pub limits: Vec<JointLimits>,
    pub cameras: Vec<MountedCamera>,
    /// Widest opening, metres.
    pub max_width: f64,
    /// Speed of the opening, m/s.
    pub gripper_speed: f64,
}

impl Arm {
    pub(crate) fn new(description: &RobotDescription) -> Result<Self> {
        let Some(gripper) = &description.gripper else {
            return Err(SimError::Robot {
                robot: description.name.clone(),
                reason: "it has no [gripper], and tasks are done with a hand; describe one".into(),
            });
        };
        Ok(Self {
            kinematics: Kinematics::new(description)?,
            home: description.home.clone(),
            limits: description
                .joints
                .iter()
                .map(|j| JointLimits {
                    position: j.position,
                    velocity: j.velocity * MOTOR_RESERVE,
                    acceleration: j.acceleration * MOTOR_RESERVE,
                    braking: j.acceleration,
                })
                .collect(),
            cameras: description
                .cameras
                .iter()
                .map(|c| MountedCamera::new(c, &description.name))
                .collect::<Result<_>>()?,
            max_width: gripper.max_width_m.min(hand::MAX_WIDTH),
            gripper_speed: gripper.speed_m_s,
        })
    }

    pub(crate) fn tool(&self, positions: &[f64]) -> Isometry3<f64> {
        self.kinematics.tool_pose(positions)
    }

    pub(crate) fn links(&self, positions: &[f64]) -> Vec<Isometry3<f64>> {
        self.kinematics.link_poses(positions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cameras_look_at_their_target_with_up_above() {
        let camera = Camera {
            name: "c".into(),
            mount: Mount::World,
            position: [1.0, 0.0, 0.5],
            target: [0.5, 0.0, 0.0],
            up: [0.0, 0.0, 1.0],
            vertical_fov_deg: 50.0,
            frozen_after_s: None,
            width: 96,
            height: 96,
        };
        let pose = MountedCamera::new(&camera, "r")
            .unwrap()
            .pose(&Isometry3::identity());
        let seen = pose.inverse_transform_point(&[0.5, 0.0, 0.0].into());
        assert!(seen.x.abs() < 1e-9 && seen.y.abs() < 1e-9 && seen.z > 0.7);
        assert!(pose.inverse_transform_point(&[0.5, 0.0, 0.1].into()).y < 0.0);
        let blind = Camera {
            target: camera.position,
            ..camera
        };
        assert!(MountedCamera::new(&blind, "r").is_err());
    }
}
