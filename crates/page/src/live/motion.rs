//! Whether an arm is at rest, as measured.

use apprentice_core::RobotState;
use apprentice_robot::RobotDescription;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long it has to be at rest.
const WINDOW: Duration = Duration::from_millis(300);
/// Share of a joint's highest speed that is none.
const NONE: f64 = 0.02;

/// The states of the last moments.
#[derive(Debug, Default)]
pub(crate) struct Motion {
    seen: VecDeque<(Instant, u64, Vec<f64>, Vec<f64>)>,
}

impl Motion {
    /// Another state; the same one again is none.
    pub fn add(&mut self, state: &RobotState, now: Instant) {
        if self
            .seen
            .back()
            .is_some_and(|last| last.1 == state.sequence)
        {
            return;
        }
        let (positions, velocities) = (state.positions.clone(), state.velocities.clone());
        self.seen
            .push_back((now, state.sequence, positions, velocities));
        // One that is older than the window stays: it shows that the window is covered.
        while self.seen.len() > 2 && self.seen.get(1).is_some_and(|(at, ..)| now - *at >= WINDOW) {
            self.seen.pop_front();
        }
    }

    /// Whether no joint has moved faster than a fiftieth of its limit over the last 300 ms, by the speeds that the robot
    /// says and by where it was. `false` where it has not said enough, or has fallen silent.
    pub fn is_at_rest(&self, robot: &RobotDescription, now: Instant) -> bool {
        let (Some(first), Some(last)) = (self.seen.front(), self.seen.back()) else {
            return false;
        };
        let covered = last.0 - first.0;
        if covered < WINDOW || now - last.0 > WINDOW {
            return false;
        }
        robot.joints.iter().enumerate().all(|(i, joint)| {
            let most = NONE * joint.velocity;
            let mut told = self.seen.iter().filter_map(|s| s.3.get(i));
            let at = |s: &(Instant, u64, Vec<f64>, Vec<f64>)| s.2.get(i).copied();
            let (Some(from), Some(to)) = (at(first), at(last)) else {
                return false;
            };
            let furthest = self
                .seen
                .iter()
                .filter_map(at)
                .map(|p| (p - from).abs().max((p - to).abs()));
            told.all(|v| v.abs() <= most)
                && furthest.fold(0.0, f64::max) / covered.as_secs_f64() <= most
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(sequence: u64, position: f64, velocity: f64) -> RobotState {
        RobotState {
            sequence,
            stamp_ns: 0,
            positions: vec![position; 7],
            velocities: vec![velocity; 7],
            gripper_width: 0.0,
            efforts: None,
            external_wrench: None,
        }
    }

    /// Whether it is at rest after this went on for so many steps of 50 ms.
    fn rests(steps: u64, of: impl Fn(u64) -> (f64, f64)) -> bool {
        let robot = RobotDescription::embedded("franka_fr3").unwrap();
        let begin = Instant::now();
        let mut motion = Motion::default();
        for i in 0..steps {
            let (position, velocity) = of(i);
            motion.add(
                &state(i, position, velocity),
                begin + Duration::from_millis(50 * i),
            );
        }
        motion.is_at_rest(
            &robot,
            begin + Duration::from_millis(50 * steps.saturating_sub(1)),
        )
    }

    #[test]
    fn an_arm_rests_once_it_has_not_moved_for_long_enough() {
        assert!(rests(8, |_| (0.3, 0.0)));
        assert!(!rests(5, |_| (0.3, 0.0)), "not for long enough");
        assert!(!rests(0, |_| (0.3, 0.0)), "nothing said");
        assert!(!rests(20, |_| (0.3, 0.2)), "it says that it moves");
        assert!(
            !rests(20, |i| (0.05 * i as f64, 0.0)),
            "it moves and says no speed"
        );
        assert!(!rests(20, |i| (if i == 19 { 0.4 } else { 0.3 }, 0.0)));
        assert!(rests(20, |i| (
            if i < 10 { 0.1 * i as f64 } else { 1.0 },
            0.0
        )));
    }

    #[test]
    fn a_robot_that_has_fallen_silent_is_not_said_to_rest() {
        let robot = RobotDescription::embedded("franka_fr3").unwrap();
        let begin = Instant::now();
        let mut motion = Motion::default();
        for i in 0..10 {
            motion.add(&state(i, 0.3, 0.0), begin + Duration::from_millis(50 * i));
        }
        assert!(motion.is_at_rest(&robot, begin + Duration::from_millis(500)));
        assert!(!motion.is_at_rest(&robot, begin + Duration::from_millis(1500)));
    }
}
