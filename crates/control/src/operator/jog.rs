//! From a person's hands to absolute targets.

use super::jog_config::{JogConfig, JogError};
use super::jog_motion::{keep_near, move_joint, move_tool, share};
use super::operator_input::OperatorInput;
use apprentice_core::{CartesianAction, RobotState};
use apprentice_robot::{DifferentialIk, Kinematics, RobotDescription};
use nalgebra::Isometry3;

/// Longest time one step may bridge, s: what a device missed while it hung is not made up for.
const LONGEST_STEP: f64 = 0.1;
/// For so long a hand-back is said, s: a message may be lost on the way.
const HAND_BACK: f64 = 0.15;
/// How much narrower than measured the fingers are told to be when a person takes over, metres: told to stay
/// exactly where they are they would let a held object slip. Our own value.
const SQUEEZE: f64 = 0.004;

/// What the device is to say now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JogCommand {
    /// Whether the deadman is pressed.
    pub deadman: bool,
    /// Whether the arm is handed back.
    pub hand_back: bool,
    /// The action the person wants, absolute, in the robot's numbers; empty: stay.
    pub action: Vec<f32>,
}

/// Makes absolute targets of what a person's hands do. When the deadman is pressed the target is where the arm
/// is measured to be; from there it moves as the input says: the tool wherever there is kinematics, or single joints.
#[derive(Debug)]
pub struct Jog {
    robot: RobotDescription,
    kinematics: Option<Kinematics>,
    /// For a robot that is told joints while a person moves its tool.
    ik: Option<DifferentialIk>,
    config: JogConfig,
    target: Option<Target>,
    /// Whether single joints are moved, not the tool.
    by_joints: bool,
    chosen: usize,
    /// Whether the hand-back control was up the last time: only a new press hands back.
    armed: bool,
    /// How long the hand-back is still to be said, s.
    handing_back: f64,
}

#[derive(Clone, Debug)]
struct Target {
    /// The tool in the base frame, where that is what is moved.
    pose: Option<Isometry3<f64>>,
    /// rad (or the joint's unit); of a robot that is told poses only where single joints are moved.
    joints: Vec<f64>,
    /// Metres.
    width: f64,
}

impl Jog {
    /// For this robot: its tool where its description has kinematics, otherwise its joints one by one.
    ///
    /// # Errors
    /// When a setting is out of range, or the robot's poses cannot be computed.
    pub fn new(robot: &RobotDescription, config: JogConfig) -> Result<Self, JogError> {
        config.check()?;
        let has_poses = robot.is_cartesian() || robot.kinematics.is_some();
        let kinematics = has_poses.then(|| Kinematics::new(robot)).transpose()?;
        let solves = has_poses && !robot.is_cartesian();
        Ok(Self {
            robot: robot.clone(),
            by_joints: kinematics.is_none(),
            kinematics,
            ik: solves.then(|| DifferentialIk::new(robot)).transpose()?,
            config,
            target: None,
            chosen: 0,
            armed: false,
            handing_back: 0.0,
        })
    }

    /// Forgets the target: the next one is where the arm is then.
    pub fn anchor(&mut self) {
        self.target = None;
    }

    /// Whether the tool is moved, not single joints.
    #[must_use]
    pub fn moves_tool(&self) -> bool {
        !self.by_joints
    }

    /// What to say now, `dt` seconds after the last time. Without a state of this robot the arm is taken over
    /// all the same, and stays.
    pub fn tick(
        &mut self,
        input: &OperatorInput,
        state: Option<&RobotState>,
        dt: f64,
    ) -> JogCommand {
        let dt = if dt.is_finite() {
            dt.clamp(0.0, LONGEST_STEP)
        } else {
            0.0
        };
        self.choose(input.choose);
        self.by_joints ^= input.switch_space && self.kinematics.is_some();
        let armed = std::mem::replace(&mut self.armed, !input.hand_back);
        let pressed = input.hand_back && armed;
        if input.deadman {
            self.handing_back = 0.0;
            let state = state.filter(|s| self.is_ours(s));
            self.aim(input, state, dt);
            return JogCommand {
                deadman: true,
                hand_back: false,
                action: self.action(),
            };
        }
        self.target = None;
        if pressed {
            self.handing_back = HAND_BACK;
        }
        let hand_back = self.handing_back > 0.0;
        self.handing_back -= dt;
        JogCommand {
            deadman: false,
            hand_back,
            action: Vec::new(),
        }
    }

    /// The joint that is moved, by its place, where single joints are.
    #[must_use]
    pub fn chosen(&self) -> Option<usize> {
        self.by_joints.then_some(self.chosen)
    }

    fn choose(&mut self, steps: i32) {
        let count = i64::try_from(self.robot.joints.len()).unwrap_or(1).max(1);
        let place = i64::try_from(self.chosen).unwrap_or(0) + i64::from(steps);
        self.chosen = usize::try_from(place.rem_euclid(count)).unwrap_or(0);
    }

    fn is_ours(&self, state: &RobotState) -> bool {
        state.positions.len() == self.robot.joints.len()
            && state.positions.iter().all(|q| q.is_finite())
            && state.gripper_width.is_finite()
    }

    /// Anchors the target where the arm is, or moves it on and keeps it near the arm. Blind, it stays.
    fn aim(&mut self, input: &OperatorInput, state: Option<&RobotState>, dt: f64) {
        let Some(state) = state else { return };
        let at = self
            .kinematics
            .as_ref()
            .filter(|_| !self.by_joints)
            .map(|kinematics| kinematics.tool_pose(&state.positions));
        let Some(target) = &mut self.target else {
            self.target = Some(Target {
                pose: at,
                joints: state.positions.clone(),
                width: (state.gripper_width - SQUEEZE).max(0.0),
            });
            return;
        };
        if let Some(gripper) = self.robot.gripper {
            let width = target.width + share(input.open) * gripper.speed_m_s * dt;
            target.width = width.clamp(0.0, gripper.max_width_m.max(0.0));
        }
        match (&mut target.pose, &at) {
            (Some(goal), Some(at)) => {
                move_tool(goal, at, input, &self.robot, &self.config, dt);
                if let (Some(ik), Some(kinematics)) = (&mut self.ik, &self.kinematics) {
                    if input.moves_tool() {
                        let from = std::mem::take(&mut target.joints);
                        ik.step_into(&from, goal, dt, &mut target.joints);
                        keep_near(&mut target.joints, &state.positions, &self.config);
                    } else {
                        // What the arm cannot reach, and what it has not reached yet, is not gone on to.
                        *goal = kinematics.tool_pose(&target.joints);
                    }
                }
            }
            (None, None) => {
                let joints = &mut target.joints;
                move_joint(joints, self.chosen, input, &self.robot, &self.config, dt);
                keep_near(joints, &state.positions, &self.config);
            }
            // The person goes on in the other space, from where the arm is.
            _ => {
                target.pose = at;
                target.joints.clone_from(&state.positions);
            }
        }
    }

    fn action(&self) -> Vec<f32> {
        let Some(target) = &self.target else {
            return Vec::new();
        };
        if !self.robot.is_cartesian() {
            let opening = self.robot.gripper.map(|_| target.width as f32);
            let joints = target.joints.iter().map(|q| *q as f32);
            return joints.chain(opening).collect();
        }
        let of_joints = || Some(self.kinematics.as_ref()?.tool_pose(&target.joints));
        let Some(pose) = target.pose.or_else(of_joints) else {
            return Vec::new();
        };
        let gripper_width = target.width;
        CartesianAction {
            pose,
            gripper_width,
        }
        .to_vector()
        .to_vec()
    }
}

#[cfg(test)]
mod tests;
