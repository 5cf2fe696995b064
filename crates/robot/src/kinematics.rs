//! Where links and tool are for given joints.

use crate::{DescriptionError, RobotDescription};
use nalgebra::{Isometry3, Matrix6xX, Rotation3, Translation3, UnitQuaternion, Vector3};

/// Forward kinematics of a serial chain.
#[derive(Clone, Debug)]
pub struct Kinematics {
    /// Fixed part of each joint's transform, before its own rotation about z.
    before: Vec<Isometry3<f64>>,
    tool: Isometry3<f64>,
}

impl Kinematics {
    /// The robot's chain.
    ///
    /// # Errors
    /// When its description has no kinematics.
    pub fn new(description: &RobotDescription) -> Result<Self, DescriptionError> {
        let Some(chain) = &description.kinematics else {
            return Err(DescriptionError::Value {
                origin: description.name.clone(),
                what: "kinematics".into(),
                got: "missing".into(),
                allowed: "a [kinematics] table, for poses".into(),
            });
        };
        let before = chain
            .dh
            .iter()
            .map(|&[a, d, alpha]| {
                // Craig's link transform is Rx(alpha) Tx(a) Rz(theta) Tz(d); the last two commute.
                let turn = Rotation3::from_axis_angle(&Vector3::x_axis(), alpha);
                let shift = turn * Vector3::new(a, 0.0, d);
                Isometry3::from_parts(
                    Translation3::from(shift),
                    UnitQuaternion::from_rotation_matrix(&turn),
                )
            })
            .collect();
        let tool = Isometry3::from_parts(
            Translation3::new(0.0, 0.0, chain.tool_offset_m),
            UnitQuaternion::from_axis_angle(&Vector3::z_axis(), chain.tool_turn_rad),
        );
        Ok(Self { before, tool })
    }

    /// Joint frames in the base frame, joint z along the axis.
    #[must_use]
    pub fn link_poses(&self, joints: &[f64]) -> Vec<Isometry3<f64>> {
        let mut pose = Isometry3::identity();
        self.before
            .iter()
            .zip(joints)
            .map(|(before, &angle)| {
                pose = pose * before * UnitQuaternion::from_axis_angle(&Vector3::z_axis(), angle);
                pose
            })
            .collect()
    }

    /// The tool frame in the base frame.
    #[must_use]
    pub fn tool_pose(&self, joints: &[f64]) -> Isometry3<f64> {
        let mut pose = Isometry3::identity();
        for (before, &angle) in self.before.iter().zip(joints) {
            pose = pose * before * UnitQuaternion::from_axis_angle(&Vector3::z_axis(), angle);
        }
        pose * self.tool
    }

    /// The tool's velocity (m/s, then rad/s, base frame) per unit of each joint's speed.
    #[must_use]
    pub fn jacobian(&self, joints: &[f64]) -> Matrix6xX<f64> {
        let links = self.link_poses(joints);
        let end = self.tool_pose(joints).translation.vector;
        let mut jacobian = Matrix6xX::zeros(links.len());
        for (mut column, link) in jacobian.column_iter_mut().zip(&links) {
            let axis = link.rotation * Vector3::z();
            let linear = axis.cross(&(end - link.translation.vector));
            column.fixed_rows_mut::<3>(0).copy_from(&linear);
            column.fixed_rows_mut::<3>(3).copy_from(&axis);
        }
        jacobian
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fr3() -> (RobotDescription, Kinematics) {
        let d = RobotDescription::embedded("franka_fr3").unwrap();
        let k = Kinematics::new(&d).unwrap();
        (d, k)
    }

    #[test]
    fn known_poses() {
        let (d, k) = fr3();
        // Stretched out: 0.333 + 0.316 + 0.384 - 0.107 - 0.1034 m high, 0.088 m in front.
        let up = k.tool_pose(&[0.0; 7]).translation.vector;
        assert!(
            (up - Vector3::new(0.088, 0.0, 0.8226)).norm() < 1e-9,
            "{up}"
        );
        let home = k.tool_pose(&d.home);
        assert!((home.translation.vector - Vector3::new(0.47, 0.0, 0.28)).norm() < 1e-5);
        assert!((home.rotation * Vector3::z() + Vector3::z()).norm() < 1e-5);
    }

    #[test]
    fn jacobian_agrees_with_finite_differences() {
        let (d, k) = fr3();
        let jacobian = k.jacobian(&d.home);
        for j in 0..7 {
            let mut q = d.home.clone();
            q[j] += 1e-6;
            let (a, b) = (k.tool_pose(&d.home), k.tool_pose(&q));
            let linear = (b.translation.vector - a.translation.vector) / 1e-6;
            let angular = (b.rotation * a.rotation.inverse()).scaled_axis() / 1e-6;
            assert!((linear - jacobian.column(j).fixed_rows::<3>(0)).norm() < 1e-5);
            assert!((angular - jacobian.column(j).fixed_rows::<3>(3)).norm() < 1e-5);
        }
    }
}
