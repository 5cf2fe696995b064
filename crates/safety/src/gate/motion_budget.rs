//! How far, and how often, targets may move: limits on each command, and on what they add up to.

use super::{Denial, GateConfig};
use apprentice_core::{JointCommand, RobotState};
use apprentice_robot::RobotDescription;

/// Rounding of positions, rad or metres.
const ROUNDING: f64 = 1e-9;

/// Limits of one joint, and what of them has been used.
#[derive(Clone, Copy, Debug)]
struct Joint {
    low: f64,
    high: f64,
    velocity: f64,
    /// Position of the last command that was taken.
    target: f64,
    /// How far the target may move now.
    allowance: f64,
}

/// How far targets, and how many of them, may come now. Time alone credits them: nothing that anybody can ask
/// for does, so that asking often gives no more speed.
#[derive(Clone, Debug)]
pub(super) struct MotionBudget {
    joints: Vec<Joint>,
    max_width: f64,
    burst_s: f64,
    rate_hz: f64,
    following_error_rad: f64,
    rest_share: f64,
    /// Until when they have been credited.
    credited_ns: u64,
    /// Commands that may be taken now.
    commands: f64,
}

impl MotionBudget {
    pub fn new(description: &RobotDescription, config: &GateConfig) -> Self {
        let joints = description.joints.iter().zip(&description.home);
        let mut made = Self {
            joints: joints
                .map(|(joint, &home)| Joint {
                    low: joint.position[0],
                    high: joint.position[1],
                    velocity: joint.velocity,
                    target: home,
                    allowance: 0.0,
                })
                .collect(),
            max_width: description.gripper.map_or(f64::MAX, |g| g.max_width_m),
            burst_s: config.burst_ns as f64 * 1e-9,
            rate_hz: config.rate_hz,
            following_error_rad: config.following_error_rad,
            rest_share: config.rest_share,
            credited_ns: 0,
            commands: 0.0,
        };
        made.fill();
        made
    }

    /// Everything may be made up for.
    pub fn fill(&mut self) {
        for joint in &mut self.joints {
            joint.allowance = joint.velocity * self.burst_s;
        }
        self.commands = self.most_commands();
    }

    /// Whether this time is one of a clock that began anew.
    pub fn is_before(&self, now_ns: u64) -> bool {
        now_ns < self.credited_ns
    }

    fn most_commands(&self) -> f64 {
        (self.rate_hz * self.burst_s).max(1.0)
    }

    /// Targets go on from where the arm is, if it is at rest.
    pub fn start(&mut self, arm: &RobotState, now_ns: u64) -> Result<(), Denial> {
        let rests = |(joint, v): (&Joint, &f64)| v.abs() <= joint.velocity * self.rest_share;
        if arm.velocities.len() != self.joints.len()
            || arm.velocities.iter().any(|v| !v.is_finite())
        {
            return Err(Denial::State);
        }
        if !self.joints.iter().zip(&arm.velocities).all(rests) {
            return Err(Denial::Moving);
        }
        self.start_here(&arm.positions, now_ns)
    }

    /// Targets go on from here.
    pub fn start_here(&mut self, measured: &[f64], now_ns: u64) -> Result<(), Denial> {
        if measured.len() != self.joints.len() || measured.iter().any(|q| !q.is_finite()) {
            return Err(Denial::State);
        }
        self.credit(now_ns);
        // A clock that began anew credits from there.
        self.credited_ns = now_ns;
        for (joint, &q) in self.joints.iter_mut().zip(measured) {
            joint.target = q;
        }
        Ok(())
    }

    /// Allows as much movement, and as many commands, as the time since the last credit is good for.
    pub fn credit(&mut self, now_ns: u64) {
        // A clock that goes back credits nothing.
        let passed = now_ns.saturating_sub(self.credited_ns) as f64 * 1e-9;
        self.credited_ns = self.credited_ns.max(now_ns);
        for joint in &mut self.joints {
            let most = joint.velocity * self.burst_s;
            joint.allowance = (joint.allowance + joint.velocity * passed).min(most);
        }
        self.commands = (self.commands + self.rate_hz * passed).min(self.most_commands());
    }

    pub fn judge(&self, command: &JointCommand, measured: &[f64]) -> Result<(), Denial> {
        if command.positions.len() != self.joints.len() {
            return Err(Denial::Dimension);
        }
        let finite = |v: &f64| v.is_finite();
        if !command.positions.iter().all(finite) || !command.gripper_width.is_finite() {
            return Err(Denial::NotFinite);
        }
        if measured.len() != self.joints.len() || !measured.iter().all(finite) {
            return Err(Denial::State);
        }
        if self.commands < 1.0 {
            return Err(Denial::Rate);
        }
        for ((joint, &q), &at) in self.joints.iter().zip(&command.positions).zip(measured) {
            // An arm that starts outside its limits may come back.
            let (low, high) = (joint.low.min(joint.target), joint.high.max(joint.target));
            if q < low - ROUNDING || q > high + ROUNDING {
                return Err(Denial::Bounds);
            }
            if (q - joint.target).abs() > joint.allowance + ROUNDING {
                return Err(Denial::Step);
            }
            if (q - at).abs() > self.following_error_rad {
                return Err(Denial::FollowingError);
            }
        }
        if !(-ROUNDING..=self.max_width + ROUNDING).contains(&command.gripper_width) {
            return Err(Denial::Bounds);
        }
        Ok(())
    }

    pub fn take(&mut self, command: &JointCommand) {
        for (joint, &q) in self.joints.iter_mut().zip(&command.positions) {
            joint.allowance -= (q - joint.target).abs();
            joint.target = q;
        }
        self.commands -= 1.0;
    }
}
