//! Where the tool may be, and how near the arm may come to itself.

use crate::{GuardConfig, GuardError};
use apprentice_robot::{Kinematics, RobotDescription, SelfDistance, Workspace};

/// How far inside the workspace the tool is kept, metres.
const INSET: f64 = 1e-4;
/// Rounding of distances, metres: with so little room left they are looked at, not estimated.
const ROUNDING: f64 = 1e-9;

/// How far outside a pose is, metres; less than 0 inside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Excess {
    pub workspace: f64,
    pub nearness: f64,
}

/// How far tool and pieces of the arm may still move before they can be outside, metres.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Margin {
    pub workspace: f64,
    pub nearness: f64,
}

#[derive(Clone, Debug)]
pub(crate) struct GeometryLimits {
    tool: Option<(Kinematics, Workspace)>,
    /// How far the tool moves at most when a joint turns, metres per rad.
    tool_reach: Vec<f64>,
    pieces: Option<SelfDistance>,
    /// How far a piece moves at most with respect to another when a joint turns, metres per rad.
    piece_reach: Vec<f64>,
    clearance: f64,
}

impl GeometryLimits {
    pub fn new(description: &RobotDescription, config: &GuardConfig) -> Result<Self, GuardError> {
        let count = description.joints.len();
        let mut space = Self {
            tool: None,
            tool_reach: vec![0.0; count],
            pieces: None,
            piece_reach: vec![0.0; count],
            clearance: config.self_clearance_m,
        };
        let watched = config.self_clearance_m > 0.0 && !description.capsules.is_empty();
        if description.workspace.is_none() && !watched {
            return Ok(space);
        }
        let kinematics = Kinematics::new(description)?;
        let steps = steps_of(&kinematics, description);
        for joint in 0..count {
            // From the joint's axis along the chain, as if it were stretched out.
            let mut far = 0.0;
            for (frame, step) in steps.iter().enumerate().skip(joint + 1) {
                if frame > joint + 1 {
                    far += step;
                }
                let size = description
                    .capsules
                    .iter()
                    .filter(|c| c.frame == frame)
                    .map(|c| size(c.from).max(size(c.to)) + c.radius)
                    .reduce(f64::max);
                if let Some(size) = size
                    && let Some(reach) = space.piece_reach.get_mut(joint)
                {
                    *reach = reach.max(far + size);
                }
            }
            if let Some(reach) = space.tool_reach.get_mut(joint) {
                *reach = far;
            }
        }
        if watched {
            let mut pieces = SelfDistance::new(description)?;
            if let Some(nearest) = pieces.nearest(&description.home)
                && nearest.distance < config.self_clearance_m
            {
                return Err(GuardError::Home {
                    robot: description.name.clone(),
                    pair: nearest.pair,
                    got: nearest.distance,
                    allowed: config.self_clearance_m,
                });
            }
            space.pieces = Some(pieces);
        }
        space.tool = description.workspace.map(|w| (kinematics, w));
        Ok(space)
    }

    /// How far outside these joints are.
    pub fn excess(&mut self, joints: &[f64]) -> Excess {
        Excess {
            workspace: self.outside_workspace(joints),
            nearness: self.too_near(joints),
        }
    }

    /// Metres of the tool outside its workspace.
    pub fn outside_workspace(&self, joints: &[f64]) -> f64 {
        let Some((kinematics, workspace)) = &self.tool else {
            return f64::NEG_INFINITY;
        };
        let at = kinematics.tool_pose(joints).translation.vector;
        let sides = at.iter().zip(workspace.min.iter().zip(&workspace.max));
        sides
            .map(|(p, (min, max))| (min + INSET - p).max(p - max + INSET))
            .fold(f64::NEG_INFINITY, f64::max)
    }

    /// Metres that pieces of the arm are too near each other.
    pub fn too_near(&mut self, joints: &[f64]) -> f64 {
        match &mut self.pieces {
            Some(pieces) => self.clearance - pieces.clearance(joints),
            None => f64::NEG_INFINITY,
        }
    }

    /// How far the tool, then a piece, moves at most when a joint moves so far.
    pub fn reach(&self, joint: usize) -> (f64, f64) {
        let of = |reaches: &[f64]| reaches.get(joint).copied().unwrap_or(f64::INFINITY);
        (of(&self.tool_reach), of(&self.piece_reach))
    }
}

impl Margin {
    /// What is left from `now` to `allowed`.
    pub fn between(now: Excess, allowed: Excess) -> Self {
        Self {
            workspace: allowed.workspace - now.workspace - ROUNDING,
            nearness: allowed.nearness - now.nearness - ROUNDING,
        }
    }
}

/// Distances of the frames of base, joints and tool, each from the one before. They are the same however the
/// joints stand, since each joint turns about an axis through its frame's origin.
fn steps_of(kinematics: &Kinematics, description: &RobotDescription) -> Vec<f64> {
    let mut before = [0.0; 3];
    let mut steps = vec![0.0];
    let straight = vec![0.0; description.joints.len()];
    let links = kinematics.link_poses(&straight);
    let tool = kinematics.tool_pose(&straight);
    for pose in links.iter().chain([&tool]) {
        let at = [0, 1, 2].map(|axis| pose.translation.vector[axis]);
        steps.push(size([0, 1, 2].map(|axis| at[axis] - before[axis])));
        before = at;
    }
    steps
}

fn size(place: [f64; 3]) -> f64 {
    place.iter().map(|v| v * v).sum::<f64>().sqrt()
}
