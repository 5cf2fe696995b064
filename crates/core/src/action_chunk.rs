//! Chunks of actions: what a policy decides at once, with what its numbers mean and what they were decided from.

use crate::CARTESIAN_ACTION_DIM;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What the numbers of an action mean, and in which frame they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ActionSpace {
    /// Absolute tool pose in the robot's base frame and finger opening: the numbers of
    /// [`CartesianAction`](crate::CartesianAction).
    #[serde(rename = "cartesian_pose_and_opening")]
    CartesianPose,
    /// Absolute joint targets in the robot's order (rad, or the joint's unit), then the finger opening (m) where
    /// there is a gripper.
    #[serde(rename = "joint_positions")]
    JointPositions,
}

impl ActionSpace {
    /// Its name, as episodes store it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CartesianPose => "cartesian_pose_and_opening",
            Self::JointPositions => "joint_positions",
        }
    }

    /// The space of that name, if there is one; recordings of others may have actions of another meaning.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::CartesianPose, Self::JointPositions]
            .into_iter()
            .find(|space| space.name() == name)
    }

    /// The space of actions of `action_dim` numbers, where nothing says more: poses have as many numbers as
    /// the robot's pose, its proprioception.
    #[must_use]
    pub fn of_sizes(action_dim: usize, proprioception_dim: usize) -> Self {
        if action_dim == CARTESIAN_ACTION_DIM && proprioception_dim == CARTESIAN_ACTION_DIM {
            Self::CartesianPose
        } else {
            Self::JointPositions
        }
    }
}

/// Which observation something was decided from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObservationStamp {
    /// Policy tick at which it was seen, since the episode began.
    pub tick: u64,
    /// Robot clock when its joints were read, nanoseconds.
    pub stamp_ns: u64,
}

/// A chunk whose rows do not fit together.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("action chunk from tick {tick} on: {what} is {got}, expected {expected}")]
pub struct ActionChunkError {
    /// Policy tick of its observation.
    pub tick: u64,
    /// Which part.
    pub what: String,
    /// What came.
    pub got: usize,
    /// What the rest has.
    pub expected: usize,
}

/// Actions for consecutive policy ticks, the first for the tick of the observation they were decided from.
///
/// A demonstrator that disturbs itself on purpose executes one action and has another one recorded: what it would
/// have done undisturbed.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionChunk {
    space: ActionSpace,
    observed: ObservationStamp,
    n_action_steps: usize,
    len: usize,
    dim: usize,
    /// [T, A], row-major.
    execute: Vec<f32>,
    /// The same shape; `None` where it is what is executed.
    record: Option<Vec<f32>>,
}

impl ActionChunk {
    /// A chunk of actions of A numbers each, decided from one observation. All of them are to be executed before
    /// the next decision ([`Self::with_n_action_steps`] changes that).
    ///
    /// # Errors
    /// When actions differ in length.
    pub fn new<R: AsRef<[f32]>>(
        space: ActionSpace,
        observed: ObservationStamp,
        actions: impl IntoIterator<Item = R>,
    ) -> Result<Self, ActionChunkError> {
        let mut chunk = Self {
            space,
            observed,
            n_action_steps: 0,
            len: 0,
            dim: 0,
            execute: Vec::new(),
            record: None,
        };
        for action in actions {
            let action = action.as_ref();
            if chunk.len == 0 {
                chunk.dim = action.len();
            } else if action.len() != chunk.dim {
                return Err(chunk.refusal(
                    format!("the length of action {}", chunk.len),
                    action.len(),
                    chunk.dim,
                ));
            }
            chunk.execute.extend_from_slice(action);
            chunk.len += 1;
        }
        chunk.n_action_steps = chunk.len;
        Ok(chunk)
    }

    /// The same chunk, of which other actions are recorded than are executed.
    ///
    /// # Errors
    /// When they are not as many, or of another length.
    pub fn recording<R: AsRef<[f32]>>(
        mut self,
        actions: impl IntoIterator<Item = R>,
    ) -> Result<Self, ActionChunkError> {
        let mut record = Vec::with_capacity(self.execute.len());
        let mut count = 0;
        for action in actions {
            let action = action.as_ref();
            if action.len() != self.dim {
                let what = format!("the length of recorded action {count}");
                return Err(self.refusal(what, action.len(), self.dim));
            }
            record.extend_from_slice(action);
            count += 1;
        }
        if count != self.len {
            let what = "the number of recorded actions".to_owned();
            return Err(self.refusal(what, count, self.len));
        }
        self.record = Some(record);
        Ok(self)
    }

    /// The same chunk, of which so many actions, at most all, are meant to be executed before the next decision.
    #[must_use]
    pub fn with_n_action_steps(mut self, n_action_steps: usize) -> Self {
        self.n_action_steps = n_action_steps.min(self.len);
        self
    }

    fn refusal(&self, what: String, got: usize, expected: usize) -> ActionChunkError {
        ActionChunkError {
            tick: self.observed.tick,
            what,
            got,
            expected,
        }
    }

    /// What its numbers mean.
    #[must_use]
    pub fn space(&self) -> ActionSpace {
        self.space
    }

    /// The observation it was decided from.
    #[must_use]
    pub fn observed(&self) -> ObservationStamp {
        self.observed
    }

    /// Actions that are meant to be executed before the next decision; at most [`Self::len`].
    #[must_use]
    pub fn n_action_steps(&self) -> usize {
        self.n_action_steps
    }

    /// Actions in it, T.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no action.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Numbers of an action, A.
    #[must_use]
    pub fn action_dim(&self) -> usize {
        self.dim
    }

    /// The action to execute at a place from 0 on.
    #[must_use]
    pub fn executed(&self, place: usize) -> Option<&[f32]> {
        self.row(&self.execute, place)
    }

    /// The action to record at a place from 0 on.
    #[must_use]
    pub fn recorded(&self, place: usize) -> Option<&[f32]> {
        self.row(self.record.as_deref().unwrap_or(&self.execute), place)
    }

    /// The actions to execute, in order.
    pub fn executed_rows(&self) -> impl Iterator<Item = &[f32]> {
        (0..self.len).filter_map(|place| self.executed(place))
    }

    /// The actions to record, in order.
    pub fn recorded_rows(&self) -> impl Iterator<Item = &[f32]> {
        (0..self.len).filter_map(|place| self.recorded(place))
    }

    fn row<'a>(&self, numbers: &'a [f32], place: usize) -> Option<&'a [f32]> {
        if place >= self.len {
            return None;
        }
        numbers.get(place * self.dim..(place + 1) * self.dim)
    }
}

/// What a new chunk is planned as the continuation of: the chunk that is executed while it is decided (real-time
/// chunking, Black et al. 2025, arXiv 2506.07339). Actions of A numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PreviousChunk {
    /// Actions executed at the ticks before the one decided at, one a tick, the newest last; as far back as they
    /// are known.
    pub past: Vec<Vec<f32>>,
    /// Actions that are certainly executed before the decision counts, the first for the tick decided at.
    pub frozen: Vec<Vec<f32>>,
    /// Actions planned after those, which the new chunk may leave.
    pub overlap: Vec<Vec<f32>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBSERVED: ObservationStamp = ObservationStamp {
        tick: 7,
        stamp_ns: 70,
    };

    #[test]
    fn rows_come_back_and_what_is_recorded_may_differ() {
        let chunk = ActionChunk::new(ActionSpace::JointPositions, OBSERVED, [[1.0, 2.0], [3.0, 4.0]]);
        let chunk = chunk.unwrap();
        assert_eq!((chunk.len(), chunk.action_dim(), chunk.n_action_steps()), (2, 2, 2));
        assert_eq!(chunk.executed(1), Some(&[3.0, 4.0][..]));
        assert_eq!(chunk.recorded(1), chunk.executed(1));
        assert_eq!(chunk.executed(2), None);
        let chunk = chunk.recording([[5.0, 6.0], [7.0, 8.0]]).unwrap();
        assert_eq!(chunk.executed(0), Some(&[1.0, 2.0][..]));
        assert_eq!(chunk.recorded(1), Some(&[7.0, 8.0][..]));
        assert_eq!(chunk.with_n_action_steps(9).n_action_steps(), 2);
        let none: [[f32; 0]; 0] = [];
        assert!(ActionChunk::new(ActionSpace::JointPositions, OBSERVED, none).unwrap().is_empty());
    }

    #[test]
    fn rows_that_do_not_fit_are_refused_with_their_place() {
        let ragged = [vec![1.0], vec![1.0, 2.0]];
        let error = ActionChunk::new(ActionSpace::CartesianPose, OBSERVED, ragged).unwrap_err();
        assert_eq!(
            error.to_string(),
            "action chunk from tick 7 on: the length of action 1 is 2, expected 1"
        );
        let chunk = ActionChunk::new(ActionSpace::CartesianPose, OBSERVED, [[1.0], [2.0]]).unwrap();
        let error = chunk.clone().recording([[1.0]]).unwrap_err().to_string();
        assert!(error.contains("number of recorded actions is 1, expected 2"), "{error}");
        let error = chunk.recording([[1.0, 1.0], [2.0, 2.0]]).unwrap_err().to_string();
        assert!(error.contains("length of recorded action 0 is 2, expected 1"), "{error}");
    }

    #[test]
    fn spaces_go_by_the_names_that_episodes_store() {
        for space in [ActionSpace::CartesianPose, ActionSpace::JointPositions] {
            assert_eq!(ActionSpace::named(space.name()), Some(space));
        }
        assert_eq!(ActionSpace::named("rlds_action"), None);
        assert_eq!(ActionSpace::of_sizes(10, 10), ActionSpace::CartesianPose);
        assert_eq!(ActionSpace::of_sizes(8, 8), ActionSpace::JointPositions);
    }
}
