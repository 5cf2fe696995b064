//! An arm whose commands are looked at on the way, by someone who has not seen the guard.

use apprentice_core::{JointCommand, Observation, RobotState};
use apprentice_link::{Arm, Freshness, LinkError, RobotLink};
use apprentice_robot::RobotDescription;
use apprentice_safety::Checker;
use std::sync::{Arc, Mutex};

/// What is done around each command; the same for every arm that is watched.
pub trait Onlooker: Send {
    /// The robot was set up anew and is here.
    fn reset(&mut self, state: &RobotState);
    /// A command is sent.
    fn command(&mut self, command: &JointCommand);
    /// A control period has passed; only of a robot in lockstep.
    fn passed(&mut self) {}
}

/// The real link, with an onlooker.
pub struct WatchedArm<O> {
    link: RobotLink,
    onlooker: Arc<Mutex<O>>,
}

impl<O: Onlooker> WatchedArm<O> {
    pub fn new(link: RobotLink, onlooker: Arc<Mutex<O>>) -> Self {
        Self { link, onlooker }
    }
}

impl<O: Onlooker> Arm for WatchedArm<O> {
    fn description(&self) -> &RobotDescription {
        self.link.description()
    }

    fn is_lockstep(&self) -> bool {
        self.link.is_lockstep()
    }

    fn engage(&mut self) -> Result<(), LinkError> {
        self.link.engage()
    }

    fn disengage(&mut self) -> Result<(), LinkError> {
        self.link.disengage()
    }

    fn send(&mut self, command: &JointCommand) -> Result<(), LinkError> {
        self.onlooker.lock().unwrap().command(command);
        self.link.send(command)
    }

    fn latest(&self, want_frames: bool, within: Freshness) -> Result<Observation, LinkError> {
        self.link.latest(want_frames, within)
    }

    fn advance(&mut self, duration_ns: u64, want_frames: bool) -> Result<Observation, LinkError> {
        let seen = self.link.advance(duration_ns, want_frames)?;
        self.onlooker.lock().unwrap().passed();
        Ok(seen)
    }

    fn sets_up_scenes(&self) -> bool {
        true
    }

    fn reset(&mut self, seed: u64) -> Result<Observation, LinkError> {
        let seen = self.link.reset(seed)?;
        self.onlooker.lock().unwrap().reset(&seen.state);
        Ok(seen)
    }
}

/// How a stream of commands moves: what a checker says of it, and how hard it brakes or starts.
pub struct Motion {
    checker: Checker,
    rate: f64,
    accelerations: Vec<f64>,
    positions: Vec<f64>,
    speeds: Vec<f64>,
    pub violations: Vec<String>,
}

/// One command, as it moves the arm.
pub struct Step {
    /// The largest change of a joint's speed, as a share of what the joint may change in one period.
    pub jolt: f64,
    /// Whether no joint got faster, and an arm at rest stays where it is.
    pub brakes: bool,
}

impl Motion {
    pub fn new(robot: &RobotDescription) -> Self {
        Self {
            checker: Checker::new(robot).unwrap(),
            rate: robot.control_hz,
            accelerations: robot.joints.iter().map(|j| j.acceleration).collect(),
            positions: robot.home.clone(),
            speeds: vec![0.0; robot.joints.len()],
            violations: Vec::new(),
        }
    }

    pub fn restart(&mut self, state: &RobotState) {
        self.checker.restart(state);
        self.positions.clone_from(&state.positions);
        self.speeds.fill(0.0);
    }

    pub fn commands(&self) -> u64 {
        self.checker.commands()
    }

    pub fn step(&mut self, command: &JointCommand) -> Step {
        let found = self.checker.check(command, 0);
        self.violations.extend(found.into_iter().map(|v| v.what));
        let (mut jolt, mut brakes) = (0.0f64, true);
        for (i, now) in command.positions.iter().enumerate() {
            let speed = (now - self.positions[i]) * self.rate;
            let change = (speed - self.speeds[i]).abs() * self.rate;
            jolt = jolt.max(change / self.accelerations[i]);
            brakes &= speed.abs() <= self.speeds[i].abs() + 1e-9;
            self.speeds[i] = speed;
        }
        self.positions.clone_from(&command.positions);
        Step { jolt, brakes }
    }
}
