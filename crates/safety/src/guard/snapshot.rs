//! A guard that can go back to how it was.

use super::{Guard, joint_motion::JointMotion};

/// How a guard was at some command: what of it changes. Made once, written and read without allocating.
#[derive(Clone, Debug)]
pub struct GuardSnapshot {
    joints: Vec<JointMotion>,
    position: Vec<f64>,
    width: f64,
    started: bool,
}

impl GuardSnapshot {
    /// How many joints it has.
    #[must_use]
    pub fn joints(&self) -> usize {
        self.joints.len()
    }
}

impl Guard {
    /// How it is now.
    #[must_use]
    pub fn snapshot(&self) -> GuardSnapshot {
        GuardSnapshot {
            joints: self.joints.clone(),
            position: self.position.clone(),
            width: self.width,
            started: self.started,
        }
    }

    /// As [`Guard::snapshot`], into room made by this guard or one of the same robot. Answers `false`, with
    /// nothing written, where the room is another robot's.
    #[must_use]
    pub fn snapshot_into(&self, snapshot: &mut GuardSnapshot) -> bool {
        if snapshot.joints.len() != self.joints.len() {
            return false;
        }
        snapshot.joints.copy_from_slice(&self.joints);
        snapshot.position.copy_from_slice(&self.position);
        snapshot.width = self.width;
        snapshot.started = self.started;
        true
    }

    /// Goes back, or ahead, to how it was then: what it lets through next is what it would have let through
    /// there. Answers `false`, and stays as it is, where that was another robot.
    #[must_use]
    pub fn restore(&mut self, then: &GuardSnapshot) -> bool {
        if then.joints.len() != self.joints.len() {
            return false;
        }
        self.joints.copy_from_slice(&then.joints);
        self.position.copy_from_slice(&then.position);
        self.width = then.width;
        self.started = then.started;
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::{Guard, GuardConfig};
    use apprentice_core::{JointCommand, RobotState};
    use apprentice_robot::RobotDescription;

    fn admitted(guard: &mut Guard, state: &RobotState, at: f64) -> JointCommand {
        let mut positions = state.positions.clone();
        positions.iter_mut().for_each(|q| *q += at);
        let proposed = JointCommand {
            sequence: 1,
            stamp_ns: 0,
            positions,
            gripper_width: at.abs().min(0.08),
        };
        guard.admit(&proposed, state, 0).command
    }

    #[test]
    fn a_guard_that_went_back_goes_on_as_from_there() {
        let robot = RobotDescription::embedded("franka_fr3").unwrap();
        let mut guard = Guard::new(&robot, GuardConfig::default()).unwrap();
        let mut before = guard.snapshot();
        let state = RobotState {
            sequence: 0,
            stamp_ns: 0,
            positions: robot.home.clone(),
            velocities: vec![0.0; 7],
            gripper_width: 0.04,
            efforts: None,
            external_wrench: None,
        };
        guard.restart(&state).unwrap();
        for tick in 0..60 {
            assert!(guard.snapshot_into(&mut before));
            let way = 0.3 * f64::from(tick / 10 % 3 - 1);
            let mut twin = guard.clone();
            let first: Vec<_> = (0..5).map(|_| admitted(&mut guard, &state, way)).collect();
            assert!(guard.restore(&before));
            let again: Vec<_> = (0..5).map(|_| admitted(&mut guard, &state, way)).collect();
            // To the last bit, and as a guard that never went ahead.
            let ahead: Vec<_> = (0..5).map(|_| admitted(&mut twin, &state, way)).collect();
            assert!(first == again && again == ahead, "tick {tick}");
            assert!(guard.restore(&before));
            admitted(&mut guard, &state, way);
        }
        let other = RobotDescription::embedded("ur5e").unwrap();
        let mut other = Guard::new(&other, GuardConfig::default()).unwrap();
        assert!(!other.restore(&before) && !other.snapshot_into(&mut before));
    }
}
