//! Cartesian actions: where the tool should be, and how far the fingers should be open.

use nalgebra::{Isometry3, Matrix3, Rotation3, Translation3, UnitQuaternion, Vector3};

/// Numbers in a [`CartesianAction`]: position 3, rotation 6, finger opening 1.
pub const CARTESIAN_ACTION_DIM: usize = 10;

/// Absolute tool pose in the base frame and finger opening.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CartesianAction {
    /// Tool frame in the base frame, metres.
    pub pose: Isometry3<f64>,
    /// Opening between the fingers, metres.
    pub gripper_width: f64,
}

impl CartesianAction {
    /// As a vector: x, y, z (m), the first two columns of the rotation matrix (the continuous
    /// representation of Zhou et al. 2019, arXiv 1812.07035, eq. 14-15), opening (m).
    #[must_use]
    pub fn to_vector(self) -> [f32; CARTESIAN_ACTION_DIM] {
        let p = self.pose.translation.vector;
        let m = self.pose.rotation.to_rotation_matrix();
        let r = m.matrix();
        [
            p.x as f32,
            p.y as f32,
            p.z as f32,
            r[(0, 0)] as f32,
            r[(1, 0)] as f32,
            r[(2, 0)] as f32,
            r[(0, 1)] as f32,
            r[(1, 1)] as f32,
            r[(2, 1)] as f32,
            self.gripper_width as f32,
        ]
    }

    /// The inverse of [`Self::to_vector`]; the two columns are made orthonormal by Gram-Schmidt.
    /// `None` when a number is not finite, the length is wrong, or the columns span no plane.
    #[must_use]
    pub fn from_vector(v: &[f32]) -> Option<Self> {
        if v.len() != CARTESIAN_ACTION_DIM || v.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let at = |i: usize| f64::from(v[i]);
        let x = Vector3::new(at(3), at(4), at(5)).try_normalize(1e-6)?;
        let y = Vector3::new(at(6), at(7), at(8));
        let y = (y - x * x.dot(&y)).try_normalize(1e-6)?;
        let matrix = Matrix3::from_columns(&[x, y, x.cross(&y)]);
        let rotation = Rotation3::from_matrix_unchecked(matrix);
        Some(Self {
            pose: Isometry3::from_parts(
                Translation3::new(at(0), at(1), at(2)),
                UnitQuaternion::from_rotation_matrix(&rotation),
            ),
            gripper_width: at(9),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_round_trip() {
        let action = CartesianAction {
            pose: Isometry3::from_parts(
                Translation3::new(0.4, -0.1, 0.2),
                UnitQuaternion::from_euler_angles(3.0, 0.2, -0.7),
            ),
            gripper_width: 0.05,
        };
        let back = CartesianAction::from_vector(&action.to_vector()).unwrap();
        assert!((back.pose.translation.vector - action.pose.translation.vector).norm() < 1e-6);
        assert!(back.pose.rotation.angle_to(&action.pose.rotation) < 1e-6);
    }

    #[test]
    fn hostile_vectors_are_none() {
        assert!(CartesianAction::from_vector(&[0.0; 10]).is_none());
        assert!(CartesianAction::from_vector(&[f32::NAN; 10]).is_none());
        assert!(CartesianAction::from_vector(&[1.0; 9]).is_none());
    }
}
