//! The arm's way home by itself.

use super::CommandEndpoint;
use apprentice_core::JointCommand;
use apprentice_safety::{Homing, Motion};

/// Periods without being asked after which the arm counts as at rest on its way home.
const LATE_PERIODS: f64 = 2.5;

/// The way home that is gone.
pub(super) struct HomingProgress {
    way: Homing,
    /// How far along it the arm has been sent, and since when (ns) that was.
    seconds: f64,
    at_ns: u64,
    /// How long the arm has had to come to its end, seconds.
    settling: f64,
}

impl HomingProgress {
    /// From its beginning, where the arm is sent at this time (ns).
    pub fn new(way: Homing, at_ns: u64) -> Self {
        Self {
            way,
            seconds: 0.0,
            at_ns,
            settling: 0.0,
        }
    }
}

impl CommandEndpoint {
    /// The way home, from how the arm moves now.
    pub(super) fn plan_homing(&mut self) -> Result<Homing, String> {
        let start = self.targets.motion(&self.measured.positions);
        let way = Homing::from_motion(&self.description, &start, &self.description.home)?;
        way.check(&self.description, &mut self.clearance)?;
        Ok(way)
    }

    /// The next step of the way home. Time that passed while nobody asked is no reason for a leap: the arm stands
    /// by then, and goes on from rest.
    pub(super) fn homing_step(&mut self, now_ns: u64) -> Option<JointCommand> {
        let home = self.homing.as_mut()?;
        let period = 1.0 / self.description.control_hz;
        let passed = now_ns.saturating_sub(home.at_ns) as f64 * 1e-9;
        home.at_ns = now_ns;
        if passed > LATE_PERIODS * period {
            let start = Motion::at_rest(&self.measured.positions);
            let anew = Homing::from_motion(&self.description, &start, &self.description.home)
                .and_then(|way| {
                    way.check(&self.description, &mut self.clearance)
                        .map(|()| way)
                });
            match anew {
                Ok(way) => (home.way, home.seconds) = (way, 0.0),
                Err(why) => {
                    self.homing = None;
                    self.fault(&format!("the way home after a stall: {why}"));
                    return None;
                }
            }
        }
        let step = passed.min(period);
        home.seconds += step;
        let (positions, over) = (
            home.way.at(home.seconds),
            home.seconds >= home.way.duration_s(),
        );
        // The joints lag behind what they are told; they are home when they have caught up.
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 0.02;
        let at = &self.measured.positions;
        let arrived = at.iter().zip(&self.description.home).all(near);
        home.settling += if over { step } else { 0.0 };
        if over && (arrived || home.settling > 2.0) {
            self.homing = None;
            if !arrived {
                self.fault("the arm did not reach its home posture");
            } else if let Err(denial) = self.gate.homed(&self.measured, now_ns) {
                self.fault(denial.advice());
            }
        }
        Some(JointCommand {
            sequence: 0,
            stamp_ns: now_ns,
            positions,
            gripper_width: self.measured.gripper_width,
        })
    }
}
