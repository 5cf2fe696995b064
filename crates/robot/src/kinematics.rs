//! Where links and tool are for given joints.

use crate::{Chain, DescriptionError, RobotDescription};
use nalgebra::{Isometry3, Matrix6xX, Rotation3, Translation3, Unit, UnitQuaternion, Vector3};

/// Forward kinematics of a serial chain of turning joints.
#[derive(Clone, Debug)]
pub struct Kinematics {
    /// Each joint: the fixed part of its transform, then what it turns about, in its own frame.
    joints: Vec<(Isometry3<f64>, Unit<Vector3<f64>>)>,
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
                allowed: "a [kinematics] table, or a [urdf] table beside a robot.urdf, for poses"
                    .into(),
            });
        };
        Ok(Self::of_chain(chain))
    }

    /// A chain that is no robot's yet.
    #[must_use]
    pub fn of_chain(chain: &Chain) -> Self {
        let dh = chain.dh.iter().map(|&[a, d, alpha]| {
            // Craig's link transform is Rx(alpha) Tx(a) Rz(theta) Tz(d); the last two commute.
            let turn = Rotation3::from_axis_angle(&Vector3::x_axis(), alpha);
            let shift = turn * Vector3::new(a, 0.0, d);
            let before = Isometry3::from_parts(
                Translation3::from(shift),
                UnitQuaternion::from_rotation_matrix(&turn),
            );
            (before, Vector3::z_axis())
        });
        let frames = chain.frames.iter().map(|frame| {
            let before = placement(frame.xyz, frame.rpy);
            (before, Unit::new_normalize(Vector3::from(frame.axis)))
        });
        let tool = match &chain.tool {
            Some(tool) => placement(tool.xyz, tool.rpy),
            None => Isometry3::from_parts(
                Translation3::new(0.0, 0.0, chain.tool_offset_m),
                UnitQuaternion::from_axis_angle(&Vector3::z_axis(), chain.tool_turn_rad),
            ),
        };
        Self {
            joints: dh.chain(frames).collect(),
            tool,
        }
    }

    /// How many joints the chain has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.joints.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.joints.is_empty()
    }

    /// Joint frames in the base frame, each after its joint's turn. In a chain of Denavit-Hartenberg
    /// parameters z lies along the axis.
    #[must_use]
    pub fn link_poses(&self, joints: &[f64]) -> Vec<Isometry3<f64>> {
        let mut pose = Isometry3::identity();
        self.joints
            .iter()
            .zip(joints)
            .map(|((before, axis), &angle)| {
                pose = pose * before * UnitQuaternion::from_axis_angle(axis, angle);
                pose
            })
            .collect()
    }

    /// Writes the base's frame, each joint's frame and the tool frame, all in the base frame, without
    /// allocating. Answers `false`, with nothing written, when `joints` are not as many as the chain's or not
    /// finite, or `frames` has not room for exactly two more than the joints.
    #[must_use]
    pub fn frames_into(&self, joints: &[f64], frames: &mut [Isometry3<f64>]) -> bool {
        let count = self.joints.len();
        let fits = joints.len() == count && frames.len() == count + 2;
        if !fits || joints.iter().any(|q| !q.is_finite()) {
            return false;
        }
        let mut pose = Isometry3::identity();
        let mut places = frames.iter_mut();
        if let Some(base) = places.next() {
            *base = pose;
        }
        for (((before, axis), &angle), place) in self.joints.iter().zip(joints).zip(&mut places) {
            pose = pose * before * UnitQuaternion::from_axis_angle(axis, angle);
            *place = pose;
        }
        if let Some(tool) = places.next() {
            *tool = pose * self.tool;
        }
        true
    }

    /// The tool frame in the base frame.
    #[must_use]
    pub fn tool_pose(&self, joints: &[f64]) -> Isometry3<f64> {
        let mut pose = Isometry3::identity();
        for ((before, axis), &angle) in self.joints.iter().zip(joints) {
            pose = pose * before * UnitQuaternion::from_axis_angle(axis, angle);
        }
        pose * self.tool
    }

    /// The tool's velocity (m/s, then rad/s, base frame) per unit of each joint's speed.
    #[must_use]
    pub fn jacobian(&self, joints: &[f64]) -> Matrix6xX<f64> {
        let links = self.link_poses(joints);
        let mut jacobian = Matrix6xX::zeros(links.len());
        self.columns_into(&links, &self.tool_pose(joints), &mut jacobian);
        jacobian
    }

    /// Writes the [`Kinematics::jacobian`] without allocating; `frames` is room as for
    /// [`Kinematics::frames_into`], whose answer it gives.
    #[must_use]
    pub fn jacobian_into(
        &self,
        joints: &[f64],
        frames: &mut [Isometry3<f64>],
        jacobian: &mut Matrix6xX<f64>,
    ) -> bool {
        if !self.frames_into(joints, frames) || jacobian.ncols() != joints.len() {
            return false;
        }
        if let [_, links @ .., tool] = &*frames {
            self.columns_into(links, tool, jacobian);
        }
        true
    }

    fn columns_into(
        &self,
        links: &[Isometry3<f64>],
        tool: &Isometry3<f64>,
        jacobian: &mut Matrix6xX<f64>,
    ) {
        let end = tool.translation.vector;
        for ((mut column, link), (_, axis)) in
            jacobian.column_iter_mut().zip(links).zip(&self.joints)
        {
            let axis = link.rotation * axis.into_inner();
            let linear = axis.cross(&(end - link.translation.vector));
            column.fixed_rows_mut::<3>(0).copy_from(&linear);
            column.fixed_rows_mut::<3>(3).copy_from(&axis);
        }
    }
}

/// A frame `xyz` metres away, turned about fixed x, then y, then z by `rpy` radians, as in URDF.
fn placement(xyz: [f64; 3], [roll, pitch, yaw]: [f64; 3]) -> Isometry3<f64> {
    Isometry3::from_parts(
        Translation3::from(Vector3::from(xyz)),
        UnitQuaternion::from_euler_angles(roll, pitch, yaw),
    )
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
