//! An arm in memory. What the control loop does from being told the arm's state to handing over the command is
//! watched; the hand-over itself, to the network of a real arm, is not.

use crate::realtime;
use apprentice_core::{JointCommand, Observation, RobotState};
use apprentice_link::{Arm, Freshness, LinkError};
use apprentice_robot::RobotDescription;
use std::cell::Cell;
use std::sync::{Arc, Mutex};

/// Stretches that were watched, and allocations in them.
#[derive(Debug, Default)]
pub struct Watched {
    /// From a state to the command after it.
    pub ticks: u64,
    pub allocations: u64,
    /// From frames, where a policy tick ends, to the next one's first command or path.
    pub policy_ticks: u64,
    pub policy_allocations: u64,
}

pub struct MemoryArm {
    robot: RobotDescription,
    state: RobotState,
    sequence: Cell<u64>,
    paths: bool,
    /// Whether what comes after frames is watched too, and whether what is watched began with them.
    pub watches_frames: bool,
    framed: Cell<bool>,
    watched: Arc<Mutex<Watched>>,
}

impl MemoryArm {
    pub fn new(robot: &RobotDescription, paths: bool, watched: &Arc<Mutex<Watched>>) -> Self {
        Self {
            robot: robot.clone(),
            state: RobotState {
                sequence: 0,
                stamp_ns: 0,
                positions: robot.home.clone(),
                velocities: vec![0.0; robot.joints.len()],
                gripper_width: 0.04,
                efforts: None,
                external_wrench: None,
            },
            sequence: Cell::new(0),
            paths,
            watches_frames: true,
            framed: Cell::new(false),
            watched: Arc::clone(watched),
        }
    }

    /// Somebody who is not watched goes on.
    fn rest(&self) {
        let Some(allocations) = realtime::exit() else {
            return;
        };
        let mut watched = self.watched.lock().unwrap();
        if self.framed.get() {
            watched.policy_ticks += 1;
            watched.policy_allocations += allocations;
        } else {
            watched.ticks += 1;
            watched.allocations += allocations;
        }
    }

    fn obey(&mut self, command: &JointCommand) {
        self.state.positions.clone_from(&command.positions);
        self.state.gripper_width = command.gripper_width;
    }
}

impl Arm for MemoryArm {
    fn description(&self) -> &RobotDescription {
        &self.robot
    }
    fn engage(&mut self) -> Result<(), LinkError> {
        Ok(())
    }
    fn disengage(&mut self) -> Result<(), LinkError> {
        self.rest();
        Ok(())
    }
    fn send(&mut self, command: &JointCommand) -> Result<(), LinkError> {
        self.rest();
        self.obey(command);
        Ok(())
    }
    fn takes_paths(&self) -> bool {
        self.paths
    }
    fn send_path(&mut self, path: &[JointCommand]) -> Result<(), LinkError> {
        self.rest();
        path.iter().for_each(|command| self.obey(command));
        Ok(())
    }
    fn latest(&self, want_frames: bool, _: Freshness) -> Result<Observation, LinkError> {
        self.rest();
        self.sequence.set(self.sequence.get() + 1);
        let state = RobotState {
            sequence: self.sequence.get(),
            stamp_ns: self.sequence.get(),
            ..self.state.clone()
        };
        if want_frames && self.watches_frames {
            self.framed.set(true);
            realtime::enter();
        }
        let frames = Vec::new();
        Ok(Observation { state, frames })
    }
    fn latest_state(&self, _: Freshness, state: &mut RobotState) -> Result<bool, LinkError> {
        self.rest();
        state.copy_from(&self.state);
        self.sequence.set(self.sequence.get() + 1);
        state.sequence = self.sequence.get();
        // Between the commands of a path nothing is sent, and the period is slept through.
        if !self.paths {
            self.framed.set(false);
            realtime::enter();
        }
        Ok(true)
    }
    fn sets_up_scenes(&self) -> bool {
        true
    }
    fn reset(&mut self, _: u64) -> Result<Observation, LinkError> {
        self.state.positions.clone_from(&self.robot.home);
        let state = self.state.clone();
        let frames = Vec::new();
        Ok(Observation { state, frames })
    }
}
