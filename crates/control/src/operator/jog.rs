//! From a person's hands to absolute targets.

use super::operator_input::OperatorInput;
use apprentice_core::{CartesianAction, RobotState};
use apprentice_robot::{DescriptionError, Kinematics, RobotDescription};
use nalgebra::{Isometry3, UnitQuaternion, Vector3};
use thiserror::Error;

/// Longest time one step may bridge, s: what a device missed while it hung is not made up for.
const LONGEST_STEP: f64 = 0.1;
/// For so long a hand-back is said, s: a message may be lost on the way.
const HAND_BACK: f64 = 0.15;
/// How much narrower than measured the fingers are told to be when a person takes over, metres: told to stay
/// exactly where they are they would let a held object slip. Our own value.
const SQUEEZE: f64 = 0.004;
/// Distance kept from the walls of the workspace and from joint limits, m, rad (or the joint's unit).
const INSET: f64 = 0.002;

/// How fast a person moves the arm, and how far ahead of it the target may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JogConfig {
    /// m/s at full stick; above 0, at most 1.
    pub speed_m_s: f64,
    /// rad/s at full stick (or the joint's unit a second); above 0, at most 3.
    pub turn_rad_s: f64,
    /// Farthest the target may be from the measured tool, metres: the arm does not run on after release.
    pub max_following_error_m: f64,
    /// The same for its orientation, and for joints, rad (or the joint's unit).
    pub max_following_error_rad: f64,
}

impl Default for JogConfig {
    fn default() -> Self {
        Self {
            speed_m_s: 0.1,
            turn_rad_s: 0.5,
            max_following_error_m: 0.05,
            max_following_error_rad: 0.3,
        }
    }
}

/// Settings or a robot that cannot be jogged with.
#[derive(Debug, Error)]
pub enum JogError {
    /// A setting.
    #[error("{key} is {got} {unit}, allowed: above 0 and at most {most} {unit}")]
    Value {
        /// Which.
        key: &'static str,
        /// Its value.
        got: f64,
        /// The largest that would do.
        most: f64,
        /// Unit of both.
        unit: &'static str,
    },
    /// The robot.
    #[error(transparent)]
    Description(#[from] DescriptionError),
}

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
/// is measured to be; from there it moves as the input says.
#[derive(Debug)]
pub struct Jog {
    robot: RobotDescription,
    kinematics: Option<Kinematics>,
    config: JogConfig,
    target: Option<Target>,
    chosen: usize,
    /// Whether the hand-back control was up the last time: only a new press hands back.
    armed: bool,
    /// How long the hand-back is still to be said, s.
    handing_back: f64,
}

#[derive(Clone, Debug)]
struct Target {
    goal: Goal,
    width: f64,
}

#[derive(Clone, Debug)]
enum Goal {
    /// The tool in the base frame.
    Pose(Isometry3<f64>),
    Joints(Vec<f64>),
}

impl Jog {
    /// For this robot: its tool if its actions are poses, otherwise its joints one by one.
    ///
    /// # Errors
    /// When a setting is out of range, or the robot's poses cannot be computed.
    pub fn new(robot: &RobotDescription, config: JogConfig) -> Result<Self, JogError> {
        for (key, got, most, unit) in [
            ("--speed", config.speed_m_s, 1.0, "m/s"),
            ("--turn", config.turn_rad_s, 3.0, "rad/s"),
            (
                "the following error of the target",
                config.max_following_error_m,
                0.5,
                "m",
            ),
            (
                "the following error of the target",
                config.max_following_error_rad,
                1.0,
                "rad",
            ),
        ] {
            // NaN is in no range.
            if !(got > 0.0 && got <= most) {
                return Err(JogError::Value {
                    key,
                    got,
                    most,
                    unit,
                });
            }
        }
        let kinematics = if robot.is_cartesian() {
            Some(Kinematics::new(robot)?)
        } else {
            None
        };
        Ok(Self {
            robot: robot.clone(),
            kinematics,
            config,
            target: None,
            chosen: 0,
            armed: false,
            handing_back: 0.0,
        })
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

    /// The joint that is moved, by its place; of a robot that is told joints.
    #[must_use]
    pub fn chosen(&self) -> Option<usize> {
        self.kinematics.is_none().then_some(self.chosen)
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
        let measured = match &self.kinematics {
            Some(kinematics) => Goal::Pose(kinematics.tool_pose(&state.positions)),
            None => Goal::Joints(state.positions.clone()),
        };
        let Some(target) = &mut self.target else {
            self.target = Some(Target {
                goal: measured,
                width: (state.gripper_width - SQUEEZE).max(0.0),
            });
            return;
        };
        if let Some(gripper) = self.robot.gripper {
            let width = target.width + share(input.open) * gripper.speed_m_s * dt;
            target.width = width.clamp(0.0, gripper.max_width_m.max(0.0));
        }
        match (&mut target.goal, &measured) {
            (Goal::Pose(goal), Goal::Pose(at)) => {
                move_tool(goal, at, input, &self.robot, &self.config, dt);
            }
            (Goal::Joints(goal), Goal::Joints(at)) => {
                move_joint(goal, at, self.chosen, input, &self.robot, &self.config, dt);
            }
            // A robot does not change what its actions mean.
            _ => target.goal = measured,
        }
    }

    fn action(&self) -> Vec<f32> {
        match &self.target {
            None => Vec::new(),
            Some(Target {
                goal: Goal::Pose(pose),
                width,
            }) => CartesianAction {
                pose: *pose,
                gripper_width: *width,
            }
            .to_vector()
            .to_vec(),
            Some(Target {
                goal: Goal::Joints(joints),
                width,
            }) => {
                let opening = self.robot.gripper.map(|_| *width as f32);
                joints.iter().map(|q| *q as f32).chain(opening).collect()
            }
        }
    }
}

/// A share of full speed that can be trusted.
fn share(value: f64) -> f64 {
    if value.is_finite() {
        value.clamp(-1.0, 1.0)
    } else {
        0.0
    }
}

fn shares(values: [f64; 3]) -> Vector3<f64> {
    let vector = Vector3::from(values.map(share));
    // Aslant is not faster than straight on.
    vector / vector.norm().max(1.0)
}

fn move_tool(
    goal: &mut Isometry3<f64>,
    at: &Isometry3<f64>,
    input: &OperatorInput,
    robot: &RobotDescription,
    config: &JogConfig,
    dt: f64,
) {
    let mut place = goal.translation.vector + shares(input.shift) * (config.speed_m_s * dt);
    if let Some(space) = &robot.workspace {
        for ((p, min), max) in place.iter_mut().zip(space.min).zip(space.max) {
            *p = within(*p, min, max);
        }
    }
    let ahead = place - at.translation.vector;
    let too_far = (ahead.norm() / config.max_following_error_m).max(1.0);
    goal.translation.vector = at.translation.vector + ahead / too_far;
    let turn = UnitQuaternion::from_scaled_axis(shares(input.turn) * (config.turn_rad_s * dt));
    let ahead = (at.rotation.inverse() * goal.rotation * turn).scaled_axis();
    let too_far = (ahead.norm() / config.max_following_error_rad).max(1.0);
    goal.rotation = at.rotation * UnitQuaternion::from_scaled_axis(ahead / too_far);
}

fn move_joint(
    goal: &mut [f64],
    at: &[f64],
    chosen: usize,
    input: &OperatorInput,
    robot: &RobotDescription,
    config: &JogConfig,
    dt: f64,
) {
    if let (Some(q), Some(joint)) = (goal.get_mut(chosen), robot.joints.get(chosen)) {
        let speed = config.turn_rad_s.min(joint.velocity);
        let [low, high] = joint.position;
        *q = within(*q + share(input.shift[0]) * speed * dt, low, high);
    }
    for (q, measured) in goal.iter_mut().zip(at) {
        *q = q.clamp(
            measured - config.max_following_error_rad,
            measured + config.max_following_error_rad,
        );
    }
}

/// Kept inside by a little, where there is room for that.
fn within(value: f64, low: f64, high: f64) -> f64 {
    if high - low > 2.0 * INSET {
        value.clamp(low + INSET, high - INSET)
    } else {
        value
    }
}

#[cfg(test)]
mod tests;
