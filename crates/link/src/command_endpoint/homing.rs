//! The arm's way home by itself.

use apprentice_robot::RobotDescription;
use apprentice_safety::{Clearance, Homing, Motion};

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

/// What comes of a step of the way home.
pub(super) enum HomingStep {
    /// The arm goes on to here, rad (or the joint's unit).
    Goes(Vec<f64>),
    /// As [`Self::Goes`], and is home.
    Arrives(Vec<f64>),
    /// As [`Self::Goes`], and does not get there.
    Misses(Vec<f64>),
    /// After a stall there is no way from where it stands.
    Blocked(String),
}

/// The way home from this motion, if it can be gone.
pub(super) fn plan(
    description: &RobotDescription,
    clearance: &mut Clearance,
    start: &Motion,
) -> Result<Homing, String> {
    let way = Homing::from_motion(description, start, &description.home)?;
    way.check(description, clearance)?;
    Ok(way)
}

impl HomingProgress {
    /// The next step of the way home. Time that passed while nobody asked is no reason for a leap: the arm stands
    /// by then, and goes on from rest.
    pub fn step(
        &mut self,
        description: &RobotDescription,
        clearance: &mut Clearance,
        measured: &[f64],
        now_ns: u64,
    ) -> HomingStep {
        let period = 1.0 / description.control_hz;
        let passed = now_ns.saturating_sub(self.at_ns) as f64 * 1e-9;
        self.at_ns = now_ns;
        if passed > LATE_PERIODS * period {
            match plan(description, clearance, &Motion::at_rest(measured)) {
                Ok(way) => (self.way, self.seconds) = (way, 0.0),
                Err(why) => return HomingStep::Blocked(why),
            }
        }
        let step = passed.min(period);
        self.seconds += step;
        let (positions, over) = (
            self.way.at(self.seconds),
            self.seconds >= self.way.duration_s(),
        );
        // The joints lag behind what they are told; they are home when they have caught up.
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 0.02;
        let arrived = measured.iter().zip(&description.home).all(near);
        self.settling += if over { step } else { 0.0 };
        match (over, arrived) {
            (true, true) => HomingStep::Arrives(positions),
            (true, false) if self.settling > 2.0 => HomingStep::Misses(positions),
            _ => HomingStep::Goes(positions),
        }
    }
}
