//! The frame in which a policy says where the tool should go.

use apprentice_core::{CARTESIAN_ACTION_DIM, CartesianAction};
use serde::{Deserialize, Serialize};

/// What poses of a chunk are relative to, inside the policy; robots are told poses in their base frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionFrame {
    /// The robot's base.
    Base,
    /// The tool as measured when the chunk was decided: what a camera on the wrist sees then leads to
    /// the same numbers wherever the arm is (Chi et al. 2024, arXiv 2402.10329, section III-C).
    #[default]
    Tool,
}

/// Whether vectors of these lengths can be poses.
#[must_use]
pub fn are_poses(action_dim: usize, proprioception_dim: usize) -> bool {
    action_dim == CARTESIAN_ACTION_DIM && proprioception_dim == CARTESIAN_ACTION_DIM
}

/// A pose vector in the base frame as seen from the pose `tool`; `None` where either is no pose.
#[must_use]
pub fn base_to_tool(action: &[f32], tool: &[f32]) -> Option<[f32; CARTESIAN_ACTION_DIM]> {
    let (action, tool) = (
        CartesianAction::from_vector(action)?,
        CartesianAction::from_vector(tool)?,
    );
    let seen = CartesianAction {
        pose: tool.pose.inv_mul(&action.pose),
        gripper_width: action.gripper_width,
    };
    Some(seen.to_vector())
}

/// The inverse of [`base_to_tool`].
#[must_use]
pub fn tool_to_base(seen: &[f32], tool: &[f32]) -> Option<[f32; CARTESIAN_ACTION_DIM]> {
    let (seen, tool) = (
        CartesianAction::from_vector(seen)?,
        CartesianAction::from_vector(tool)?,
    );
    let action = CartesianAction {
        pose: tool.pose * seen.pose,
        gripper_width: seen.gripper_width,
    };
    Some(action.to_vector())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let tool = [0.4, -0.1, 0.3, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.08];
        let action = [0.5, 0.1, 0.2, 0.6, 0.8, 0.0, 0.8, -0.6, 0.0, 0.01];
        let seen = base_to_tool(&action, &tool).unwrap();
        let back = tool_to_base(&seen, &tool).unwrap();
        for (b, a) in back.iter().zip(action) {
            assert!((b - a).abs() < 1e-6, "{back:?}");
        }
        // The tool's x axis is the base's y, and its z points down.
        assert!((seen[0] - 0.2).abs() < 1e-6 && (seen[1] - 0.1).abs() < 1e-6);
        assert!((seen[2] - 0.1).abs() < 1e-6, "{seen:?}");
        assert_eq!(base_to_tool(&action[..9], &tool), None);
    }
}
