//! What the arm was told lately, and so how it moves.

use apprentice_core::JointCommand;
use apprentice_safety::Motion;
use std::collections::VecDeque;

/// Targets that are kept: three give an acceleration.
const KEPT: usize = 3;

/// The targets that were given to the arm last, each with the time (ns) it was asked what to do at.
#[derive(Debug, Default)]
pub(super) struct TargetHistory(VecDeque<(u64, Vec<f64>)>);

impl TargetHistory {
    /// The arm was given this, or nothing new.
    pub fn record(&mut self, now_ns: u64, command: Option<&JointCommand>) {
        match (self.0.back_mut(), command) {
            (None, None) => return,
            // Asked twice at one moment, the later target counts.
            (Some((at, last)), _) if *at >= now_ns => {
                if let Some(command) = command {
                    last.clone_from(&command.positions);
                }
                return;
            }
            _ => {}
        }
        // The room of the oldest is used again: this is done once a control period.
        let mut buffer = Vec::new();
        if self.0.len() == KEPT {
            buffer = self
                .0
                .pop_front()
                .map(|(_, oldest)| oldest)
                .unwrap_or_default();
        }
        match (command, self.0.back()) {
            (Some(command), _) => buffer.clone_from(&command.positions),
            (None, Some((_, last))) => buffer.clone_from(last),
            (None, None) => return,
        }
        self.0.push_back((now_ns, buffer));
    }

    /// Nothing that was given before holds.
    pub fn forget(&mut self) {
        self.0.clear();
    }

    /// When the last target was given, ns.
    pub fn at_ns(&self) -> Option<u64> {
        self.0.back().map(|(at_ns, _)| *at_ns)
    }

    /// How the targets move, by their differences; at rest at `measured` (rad) where there were none.
    pub fn motion(&self, measured: &[f64]) -> Motion {
        let mut latest = self.0.iter().rev();
        let Some(newest) = latest.next() else {
            return Motion::at_rest(measured);
        };
        let mut motion = Motion::at_rest(&newest.1);
        let Some(before) = latest.next() else {
            return motion;
        };
        motion.velocities = speeds(newest, before);
        if let Some(oldest) = latest.next() {
            let seconds = seconds(newest.0, before.0);
            let earlier = speeds(before, oldest);
            let changes = motion.velocities.iter().zip(&earlier);
            motion.accelerations = changes.map(|(v, u)| (v - u) / seconds).collect();
        }
        motion
    }
}

fn seconds(later_ns: u64, earlier_ns: u64) -> f64 {
    later_ns.saturating_sub(earlier_ns).max(1) as f64 * 1e-9
}

/// Speeds between two targets, rad/s.
fn speeds(later: &(u64, Vec<f64>), earlier: &(u64, Vec<f64>)) -> Vec<f64> {
    let seconds = seconds(later.0, earlier.0);
    let moved = later.1.iter().zip(&earlier.1);
    moved.map(|(b, a)| (b - a) / seconds).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(q: f64) -> JointCommand {
        JointCommand {
            sequence: 0,
            stamp_ns: 0,
            positions: vec![q],
            gripper_width: 0.0,
        }
    }

    #[test]
    fn targets_say_how_the_arm_moves() {
        let mut targets = TargetHistory::default();
        targets.record(0, None);
        assert_eq!(targets.motion(&[0.3]), Motion::at_rest(&[0.3]));
        let second = 1_000_000_000;
        targets.record(second, Some(&to(1.0)));
        assert_eq!(targets.motion(&[0.3]), Motion::at_rest(&[1.0]));
        targets.record(2 * second, Some(&to(2.0)));
        targets.record(3 * second, Some(&to(5.0)));
        let motion = targets.motion(&[0.3]);
        assert_eq!(
            (motion.velocities, motion.accelerations),
            (vec![3.0], vec![2.0])
        );
        // Nothing new: it stands.
        targets.record(4 * second, None);
        assert_eq!(targets.motion(&[0.3]).velocities, [0.0]);
        targets.record(5 * second, None);
        targets.record(6 * second, None);
        assert_eq!(targets.motion(&[0.3]), Motion::at_rest(&[5.0]));
        targets.forget();
        assert_eq!(targets.motion(&[0.3]), Motion::at_rest(&[0.3]));
    }
}
