//! The messages of a `control_msgs/action/GripperCommand`: an action is three services and two topics.

use super::messages::Time;
use serde::{Deserialize, Serialize};

/// `GripperCommand_SendGoal`: what is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SendGoalRequest {
    /// The goal's number, made by who asks (RFC 9562).
    pub goal_id: [u8; 16],
    /// Where to, in the gripper's own measure.
    pub position: f64,
    /// How hard, N (or N m); 0 leaves it to the gripper.
    pub max_effort: f64,
}

/// `GripperCommand_SendGoal`: what is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendGoalResponse {
    /// Whether it will be tried.
    pub accepted: bool,
    /// Since when.
    pub stamp: Time,
}

/// `GripperCommand_GetResult`: what is asked; the answer comes when the goal has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetResultRequest {
    /// Whose.
    pub goal_id: [u8; 16],
}

/// `GripperCommand_GetResult`: what is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GetResultResponse {
    /// How it ended: 4 succeeded, 5 cancelled, 6 aborted (`action_msgs/GoalStatus`).
    pub status: i8,
    /// Where the gripper is.
    pub position: f64,
    /// How hard it pushes.
    pub effort: f64,
    /// Whether it pushes and does not move: it holds something.
    pub stalled: bool,
    /// Whether it is where it should be.
    pub reached_goal: bool,
}

/// `GripperCommand_FeedbackMessage`: how a goal goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// Whose.
    pub goal_id: [u8; 16],
    /// Where the gripper is.
    pub position: f64,
    /// How hard it pushes.
    pub effort: f64,
    /// Whether it pushes and does not move.
    pub stalled: bool,
    /// Whether it is where it should be.
    pub reached_goal: bool,
}

/// `action_msgs/GoalInfo`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoalInfo {
    /// Which goal.
    pub goal_id: [u8; 16],
    /// Since when.
    pub stamp: Time,
}

/// `action_msgs/srv/CancelGoal`: what is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRequest {
    /// Which; zeros for all.
    pub goal_info: GoalInfo,
}

/// `action_msgs/srv/CancelGoal`: what is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelResponse {
    /// 0 when something is cancelled.
    pub return_code: i8,
    /// What is.
    pub goals_canceling: Vec<GoalInfo>,
}
