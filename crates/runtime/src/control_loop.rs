//! The robot moves because of this file: actions become joint targets, the guard admits them, the
//! link sends them.

use crate::RuntimeError;
use apprentice_core::{CartesianAction, JointCommand, Observation, RobotState};
use apprentice_robot::{DifferentialIk, RobotDescription, RobotLink};
use apprentice_safety::{Checker, Guard, GuardConfig, Refusals};
use std::time::{Duration, Instant};

/// What the guard did, and what an independent checker says of the commands that left it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuardTotals {
    /// Commands sent to the robot.
    pub commands: u64,
    /// Commands the guard had to change.
    pub refusals: u64,
    /// Commands outside the limits, as the checker found them.
    pub violations: u64,
}

impl std::ops::AddAssign for GuardTotals {
    fn add_assign(&mut self, other: Self) {
        self.commands += other.commands;
        self.refusals += other.refusals;
        self.violations += other.violations;
    }
}

/// One robot, its guard, and the way from actions to joint targets.
pub struct ControlLoop {
    link: RobotLink,
    guard: Guard,
    checker: Checker,
    ik: Option<DifferentialIk>,
    period_ns: u64,
    ticks_per_action: u64,
    sequence: u64,
    /// Joint targets of the last command: the path that is followed, ahead of the measured joints.
    target: Vec<f64>,
    deadline: Option<Instant>,
    refusals: u64,
    state: Option<RobotState>,
}

impl ControlLoop {
    /// Takes over the robot at the other end of `link`.
    ///
    /// # Errors
    /// When the robot's description cannot be guarded or followed.
    pub fn new(link: RobotLink, guard: GuardConfig) -> Result<Self, RuntimeError> {
        let description = link.description().clone();
        let cartesian = description.is_cartesian();
        Ok(Self {
            guard: Guard::new(&description, guard)?,
            checker: Checker::new(&description)?,
            ik: if cartesian {
                Some(DifferentialIk::new(&description)?)
            } else {
                None
            },
            period_ns: (1e9 / description.control_hz).round() as u64,
            ticks_per_action: (description.control_hz / description.policy_hz)
                .round()
                .max(1.0) as u64,
            sequence: 0,
            target: Vec::new(),
            deadline: None,
            refusals: 0,
            state: None,
            link,
        })
    }

    /// The robot.
    #[must_use]
    pub fn description(&self) -> &RobotDescription {
        self.link.description()
    }

    /// Counts since the loop was made.
    #[must_use]
    pub fn totals(&self) -> GuardTotals {
        GuardTotals {
            commands: self.checker.commands(),
            refusals: self.refusals,
            violations: self.checker.violations(),
        }
    }

    /// Asks for a new scene and starts from where the robot is now.
    ///
    /// # Errors
    /// When the robot cannot be reset or does not answer.
    pub fn reset(&mut self, seed: u64) -> Result<Observation, RuntimeError> {
        let observation = self.link.reset(seed)?;
        self.guard.restart(&observation.state);
        self.checker.restart(&observation.state);
        self.target.clone_from(&observation.state.positions);
        self.deadline = None;
        self.state = Some(observation.state.clone());
        Ok(observation)
    }

    /// Carries out one action (A numbers, see [`RobotDescription`]) for one policy tick. Answers what
    /// the robot sees afterwards, and why the guard changed commands of this tick.
    ///
    /// # Errors
    /// When the link fails. An action that makes no sense is not an error: the guard holds the arm.
    pub fn act(&mut self, action: &[f32]) -> Result<(Observation, Refusals), RuntimeError> {
        let mut refusals = Refusals::default();
        let mut observation = None;
        for tick in 1..=self.ticks_per_action {
            let last = tick == self.ticks_per_action;
            refusals.merge(self.command(action)?);
            let seen = self.wait(last)?;
            self.state = Some(seen.state.clone());
            if last {
                observation = Some(seen);
            }
        }
        observation
            .map(|o| (o, refusals))
            .ok_or(RuntimeError::Stopped)
    }

    fn command(&mut self, action: &[f32]) -> Result<Refusals, RuntimeError> {
        let Some(state) = self.state.clone() else {
            return Ok(Refusals::default());
        };
        self.sequence += 1;
        let stamp_ns = self.sequence * self.period_ns;
        let proposed = self
            .joint_targets(action)
            .map(|(positions, gripper_width)| JointCommand {
                sequence: self.sequence,
                stamp_ns,
                positions,
                gripper_width,
            });
        let admitted = match &proposed {
            Some(command) => self.guard.admit(command, &state, stamp_ns),
            None => self.guard.tick_without_command(&state, stamp_ns),
        };
        self.refusals += u64::from(!admitted.refusals.is_empty());
        let refusals = admitted.refusals;
        let mut command = admitted.command;
        command.sequence = self.sequence;
        self.checker.check(&command, stamp_ns);
        self.target.clone_from(&command.positions);
        self.link.send(&command)?;
        Ok(refusals)
    }

    /// Joint targets for an action, `None` when it makes no sense.
    fn joint_targets(&self, action: &[f32]) -> Option<(Vec<f64>, f64)> {
        let Some(ik) = &self.ik else {
            let joints = self.description().joints.len();
            let numbers: Vec<f64> = action.iter().map(|&v| f64::from(v)).collect();
            let positions = numbers.get(..joints)?.to_vec();
            return Some((positions, numbers.get(joints).copied().unwrap_or(0.0)));
        };
        let action = CartesianAction::from_vector(action)?;
        let period = self.period_ns as f64 * 1e-9;
        Some((
            ik.step(&self.target, &action.pose, period),
            action.gripper_width,
        ))
    }

    /// Lets one control period pass, in the robot's time or in ours.
    fn wait(&mut self, want_frames: bool) -> Result<Observation, RuntimeError> {
        if self.link.is_lockstep() {
            return Ok(self.link.advance(self.period_ns, want_frames)?);
        }
        let period = Duration::from_nanos(self.period_ns);
        let deadline = self.deadline.unwrap_or_else(Instant::now) + period;
        let now = Instant::now();
        if deadline > now {
            std::thread::sleep(deadline - now);
        }
        // A late tick is not made up for: two commands at once would be a jump.
        self.deadline = Some(deadline.max(now));
        Ok(self.link.latest(want_frames)?)
    }
}
