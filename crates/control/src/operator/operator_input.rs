//! What a person asks for, whatever device they are at.

/// What a person's hands do at one moment, whatever they are on. Shares of full speed are -1 to 1; what is not
/// finite counts as 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OperatorInput {
    /// Whether the deadman is pressed.
    pub deadman: bool,
    /// Whether the arm is to be handed back to the policy.
    pub hand_back: bool,
    /// Share of the speed along x, y and z of the base frame. The first moves the chosen joint of a robot
    /// that is told joints.
    pub shift: [f64; 3],
    /// Share of the turning speed about x, y and z of the tool frame.
    pub turn: [f64; 3],
    /// Share of the gripper's speed; above 0 opens.
    pub open: f64,
    /// Joints to go on to since the last time, in the robot's order; below 0 to go back.
    pub choose: i32,
    /// Whether to go on in the other space: from the tool to single joints, or back.
    pub switch_space: bool,
}

impl OperatorInput {
    /// Whether the hands move or turn the tool.
    #[must_use]
    pub fn moves_tool(&self) -> bool {
        let asked = |share: &f64| share.is_finite() && *share != 0.0;
        self.shift.iter().chain(&self.turn).any(asked)
    }
}
