//! A second arm, moved by hand, that shows a robot where to go.

use crate::{Agent, ControlError};
use apprentice_core::{ActionChunk, CartesianAction, PolicyInput, RobotState};
use apprentice_link::{Arm, Freshness};
use apprentice_robot::{DescriptionError, Kinematics, RobotDescription};
use std::time::Duration;
use thiserror::Error;

/// A leader that was last heard of longer ago is not followed: the robot stays.
const SILENT: Duration = Duration::from_millis(300);
/// Nearer than this in every joint the leader has been reached, rad (or the joint's unit).
const REACHED: f64 = 0.05;

/// How joints of a leader become those of the robot that follows: `robot = scale * leader + offset`.
#[derive(Clone, Debug, PartialEq)]
pub struct JointMap {
    /// The joint that follows, by its name.
    pub joint: String,
    /// The leader's, by its name.
    pub leader: String,
    /// Of the leader's position; no unit, or the follower's unit by the leader's.
    pub scale: f64,
    /// rad (or the follower's unit).
    pub offset: f64,
}

/// A leader that cannot be followed.
#[derive(Debug, Error)]
pub enum LeaderError {
    /// Written otherwise than it can be read.
    #[error(
        "{0:?} maps no joint, allowed: JOINT=LEADER_JOINT, and after that *SCALE and +OFFSET or -OFFSET (rad, or the joint's unit), such as elbow=elbow_joint*-1+0.2"
    )]
    Text(String),
    /// A joint that nobody has.
    #[error(
        "{whose} has no joint {name:?}; it has {has}; map joints of other names with --map JOINT=LEADER_JOINT"
    )]
    NoJoint {
        /// Whose it would be.
        whose: String,
        /// Its name.
        name: String,
        /// Those it has.
        has: String,
    },
    /// The robot's poses.
    #[error(transparent)]
    Description(#[from] DescriptionError),
}

impl JointMap {
    /// Reads `JOINT=LEADER_JOINT[*SCALE][+OFFSET|-OFFSET]`.
    ///
    /// # Errors
    /// When it is written otherwise, or a number is not finite.
    pub fn parse(text: &str) -> Result<Self, LeaderError> {
        let wrong = || LeaderError::Text(text.to_owned());
        let (joint, rest) = text.split_once('=').ok_or_else(wrong)?;
        let (leader, numbers) = match rest.split_once('*') {
            Some((leader, numbers)) => (leader, Some(numbers)),
            None => (rest, None),
        };
        // Names may hold a minus; numbers begin with what is no part of one.
        let (leader, scale, offset) = match numbers {
            Some(numbers) => {
                let sign = numbers.char_indices().skip(1).find(|(i, c)| {
                    let before = numbers.get(..*i).and_then(|s| s.chars().last());
                    matches!(c, '+' | '-') && !matches!(before, Some('e' | 'E'))
                });
                let (scale, offset) = match sign {
                    Some((at, _)) => numbers.split_at(at),
                    None => (numbers, "0"),
                };
                (leader, scale, offset)
            }
            None => match leader.rsplit_once('+') {
                Some((leader, offset)) => (leader, "1", offset),
                None => (leader, "1", "0"),
            },
        };
        let number = |text: &str| text.parse::<f64>().ok().filter(|v| v.is_finite());
        let map = Self {
            joint: joint.to_owned(),
            leader: leader.to_owned(),
            scale: number(scale).ok_or_else(wrong)?,
            offset: number(offset).ok_or_else(wrong)?,
        };
        if map.joint.is_empty() || map.leader.is_empty() || map.scale == 0.0 {
            return Err(wrong());
        }
        Ok(map)
    }
}

/// Follows a leader: slowly until it has been reached, then as it moves.
pub struct LeaderAgent {
    robot: RobotDescription,
    kinematics: Option<Kinematics>,
    leader: Box<dyn Arm>,
    /// For each joint of the robot the leader's place, scale and offset.
    joints: Vec<(usize, f64, f64)>,
    /// m of the robot's opening for each m of the leader's; `None` where one of them has no gripper.
    opening: Option<f64>,
    /// Farthest a joint may be from the leader's to begin, rad (or the joint's unit).
    farthest: f64,
    /// How fast the leader is approached, rad/s.
    approach: f64,
    target: Vec<f64>,
    width: f64,
    reached: bool,
}

impl LeaderAgent {
    /// For this robot and a leader that publishes its joint states. Joints that no `map` names follow the leader's of
    /// the same name. `farthest` in rad, `approach` in rad/s (or the joint's unit).
    ///
    /// # Errors
    /// When a joint has no leader, or a map names one that is not there.
    pub fn new(
        robot: &RobotDescription,
        leader: Box<dyn Arm>,
        map: &[JointMap],
        (farthest, approach): (f64, f64),
    ) -> Result<Self, LeaderError> {
        let of = leader.description();
        let names = |robot: &RobotDescription| {
            let names: Vec<&str> = robot.joints.iter().map(|j| j.name.as_str()).collect();
            names.join(", ")
        };
        let missing = |whose: &RobotDescription, what: &str, name: &str| LeaderError::NoJoint {
            whose: format!("the {what} {}", whose.name),
            name: name.to_owned(),
            has: names(whose),
        };
        if let Some(unknown) = map
            .iter()
            .find(|m| robot.joints.iter().all(|j| j.name != m.joint))
        {
            return Err(missing(robot, "robot", &unknown.joint));
        }
        let mut joints = Vec::new();
        for joint in &robot.joints {
            let named = map.iter().find(|m| m.joint == joint.name);
            let name = named.map_or(joint.name.as_str(), |m| m.leader.as_str());
            let place = of.joints.iter().position(|j| j.name == name);
            let place = place.ok_or_else(|| missing(of, "leader", name))?;
            joints.push((
                place,
                named.map_or(1.0, |m| m.scale),
                named.map_or(0.0, |m| m.offset),
            ));
        }
        let opening = match (robot.gripper, of.gripper) {
            (Some(own), Some(its)) if its.max_width_m > 0.0 => {
                Some(own.max_width_m / its.max_width_m)
            }
            _ => None,
        };
        let kinematics = robot.is_cartesian().then(|| Kinematics::new(robot));
        Ok(Self {
            kinematics: kinematics.transpose()?,
            robot: robot.clone(),
            leader,
            joints,
            opening,
            farthest,
            approach,
            target: Vec::new(),
            width: 0.0,
            reached: false,
        })
    }

    /// Whether the leader has been reached and is followed as it moves.
    #[must_use]
    pub fn has_reached(&self) -> bool {
        self.reached
    }

    /// Where the leader would have the robot's joints, within their limits; `None` where the leader is silent.
    fn wanted(&self) -> Option<(Vec<f64>, f64)> {
        let within = Freshness {
            state: SILENT,
            frame: SILENT,
        };
        let state = self.leader.latest(false, within).ok()?.state;
        let joints = self.joints.iter().zip(&self.robot.joints);
        let wanted = joints.map(|((place, scale, offset), joint)| {
            let [low, high] = joint.position;
            let q = scale * state.positions.get(*place)? + offset;
            q.is_finite().then(|| q.clamp(low, high.max(low)))
        });
        Some((wanted.collect::<Option<_>>()?, state.gripper_width))
    }

    /// Refuses a leader too far away.
    fn begin(&mut self, state: &RobotState) -> Result<(), ControlError> {
        self.target.clone_from(&state.positions);
        self.width = state.gripper_width;
        self.reached = false;
        let Some((wanted, _)) = self.wanted() else {
            return Err(ControlError::Agent {
                got: format!("silence of the leader {}", self.leader.description().name),
                expected: format!(
                    "its joint states, none older than {} ms",
                    SILENT.as_millis()
                ),
            });
        };
        let joints = self.robot.joints.iter().zip(&wanted).zip(&state.positions);
        let apart = joints
            .filter(|((_, wanted), at)| (*wanted - *at).abs() > self.farthest)
            .map(|((joint, wanted), at)| {
                format!(
                    "{} is at {at:.2}, the leader at {wanted:.2} {}",
                    joint.name, joint.unit
                )
            })
            .collect::<Vec<_>>();
        if apart.is_empty() {
            return Ok(());
        }
        Err(ControlError::Agent {
            got: format!("a leader too far from the robot: {}", apart.join("; ")),
            expected: format!(
                "every joint within {} of the robot's; move the leader there by hand and begin again, or see --map",
                self.farthest
            ),
        })
    }

    fn follow(&mut self, period: f64) {
        // A leader that is silent is not followed: the robot stays.
        let Some((wanted, opening)) = self.wanted() else {
            self.reached = false;
            return;
        };
        // One that was silent may be somewhere else now: it is approached slowly again, and not from too far away.
        let apart = wanted.iter().zip(&self.target).map(|(w, t)| (w - t).abs());
        if !self.reached && apart.fold(0.0, f64::max) > self.farthest {
            return;
        }
        for ((target, wanted), joint) in self.target.iter_mut().zip(&wanted).zip(&self.robot.joints)
        {
            let speed = if self.reached {
                joint.velocity
            } else {
                self.approach.min(joint.velocity)
            };
            let step = speed * period;
            *target += (wanted - *target).clamp(-step, step);
        }
        let far = wanted.iter().zip(&self.target).map(|(w, t)| (w - t).abs());
        self.reached |= far.fold(0.0, f64::max) < REACHED;
        if let (Some(scale), Some(gripper)) = (self.opening, self.robot.gripper) {
            self.width = (opening * scale).clamp(0.0, gripper.max_width_m.max(0.0));
        }
    }
}

impl Agent for LeaderAgent {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        let [input] = inputs else {
            return Err(ControlError::Agent {
                got: format!("{} robots", inputs.len()),
                expected: "one: a leader leads a single robot".into(),
            });
        };
        if let Some(observed) = input.newest().filter(|_| input.tick == 0) {
            self.begin(&observed.observation.state)?;
        }
        self.follow(1.0 / self.robot.policy_hz);
        let action: Vec<f32> = match &self.kinematics {
            Some(kinematics) => CartesianAction {
                pose: kinematics.tool_pose(&self.target),
                gripper_width: self.width,
            }
            .to_vector()
            .to_vec(),
            None => {
                let opening = self.robot.gripper.map(|_| self.width as f32);
                self.target
                    .iter()
                    .map(|q| *q as f32)
                    .chain(opening)
                    .collect()
            }
        };
        let space = self.robot.action_space();
        Ok(vec![ActionChunk::new(space, input.stamp(), [action])?])
    }

    fn observation_history(&self) -> usize {
        1
    }
}

#[cfg(test)]
mod tests;
