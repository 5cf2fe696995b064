//! What an episode says about itself.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Version of the file layout this crate writes, and the newest it reads.
pub const FORMAT_VERSION: u32 = 1;

/// Who chose the actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A scripted expert.
    Expert,
    /// A trained policy.
    Policy,
    /// A person driving the arm.
    Teleop,
    /// Another recorder; the file was converted.
    Import,
}

/// One camera: its name and the size every frame of it must have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CameraInfo {
    /// Name, as in the robot's description.
    pub name: String,
    /// Width, pixels.
    pub width: u32,
    /// Height, pixels.
    pub height: u32,
}

/// What an episode says about itself, written before its first tick.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpisodeMeta {
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// Name of the task.
    pub task: String,
    /// Name of the robot.
    pub robot: String,
    /// Who chose the actions.
    pub source: Source,
    /// SHA-256 of the policy's weights, when a policy chose.
    pub policy: Option<String>,
    /// Seed of the scene.
    pub seed: u64,
    /// What the operator asked for, in words.
    pub instruction: Option<String>,
    /// The cameras, in the order of each tick's frames.
    pub cameras: Vec<CameraInfo>,
    /// What the numbers of an action mean, e.g. `cartesian_pose_gripper`.
    pub action_kind: String,
    /// Numbers in an action.
    pub action_dim: usize,
    /// Policy ticks per second of robot time.
    pub policy_hz: f64,
    /// SHA-256 of the robot's description file.
    pub robot_description_sha256: Option<String>,
    /// Anything else worth keeping.
    pub notes: BTreeMap<String, String>,
}

impl EpisodeMeta {
    /// Meta with the required parts; the rest is empty and can be filled in.
    #[must_use]
    pub fn new(
        task: impl Into<String>,
        robot: impl Into<String>,
        source: Source,
        cameras: Vec<CameraInfo>,
        action_kind: impl Into<String>,
        action_dim: usize,
        policy_hz: f64,
    ) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            task: task.into(),
            robot: robot.into(),
            source,
            policy: None,
            seed: 0,
            instruction: None,
            cameras,
            action_kind: action_kind.into(),
            action_dim,
            policy_hz,
            robot_description_sha256: None,
            notes: BTreeMap::new(),
        }
    }

    /// What stops this meta from describing an episode, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.format_version != FORMAT_VERSION {
            return Some(format!(
                "format_version is {}, this build writes {FORMAT_VERSION}",
                self.format_version
            ));
        }
        if !(self.policy_hz.is_finite() && self.policy_hz > 0.0) {
            return Some(format!(
                "policy_hz is {}, it must be above 0",
                self.policy_hz
            ));
        }
        let mut names = BTreeSet::new();
        for camera in &self.cameras {
            if camera.name.is_empty() || camera.name.contains('/') {
                return Some(format!(
                    "camera name {:?} is empty or has a slash",
                    camera.name
                ));
            }
            if !names.insert(&camera.name) {
                return Some(format!("camera {:?} is listed twice", camera.name));
            }
            if camera.width == 0 || camera.height == 0 {
                return Some(format!(
                    "camera {:?} is {}x{} pixels, both must be above 0",
                    camera.name, camera.width, camera.height
                ));
            }
        }
        None
    }
}
