//! A joint's limits as the guard keeps them: a margin below the description's, per control period.

use crate::GuardError;
use apprentice_robot::{Joint, RobotDescription};

/// Share of every limit the guard keeps to, so that rounding on the way cannot cross it.
const MARGIN: f64 = 0.98;
/// Longest braking that is looked ahead, ticks.
const LONGEST_BRAKING: usize = 1000;
/// Fastest joint that can be, rad/s (or its unit); accelerations and jerks are allowed its square and cube.
const FASTEST: f64 = 1e6;
/// Part of a limit that rounding of positions may make up in finite differences.
const ROUNDING: f64 = 1e-3;
/// So far beyond a limit lies a target that was meant to be at it and went through 32-bit numbers, in parts of the
/// range's larger end: between two and four units in the last place there (at 3 rad less than a millionth of a rad).
const ROUNDED: f64 = 2.0 * f32::EPSILON as f64;

/// A target in a range, without what rounding to 32 bits may have put it beyond an end.
pub(crate) fn without_rounding(wanted: f64, [low, high]: [f64; 2]) -> f64 {
    let rounding = ROUNDED * low.abs().max(high.abs());
    if wanted < low && wanted >= low - rounding {
        low
    } else if wanted > high && wanted <= high + rounding {
        high
    } else {
        wanted
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub low: f64,
    pub high: f64,
    /// Lowest and highest position of the description, a little farther out.
    described: [f64; 2],
    pub velocity: f64,
    /// Largest change of speed in one period.
    pub step: f64,
    /// Largest change of that change from one period to the next; infinite where the jerk allowed is so high
    /// that finite differences of two opposite steps cannot reach it.
    pub jolt: f64,
    /// Speed that is lost by braking with `step` for one period and with `jolt` less in each period after.
    pub ramp: f64,
    pub barrier: Option<Barrier>,
}

/// A speed limit that falls towards the position limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Barrier {
    low: f64,
    high: f64,
    deceleration: f64,
    offset: f64,
    /// Farther from a position limit than this it allows the joint's full speed.
    free: f64,
}

impl Limits {
    pub fn new(joint: &Joint, robot: &RobotDescription) -> Result<Self, GuardError> {
        representable(joint, robot)?;
        let period = 1.0 / robot.control_hz;
        let [low, high] = joint.position;
        let inset = (high - low) * (1.0 - MARGIN) / 20.0;
        let step = joint.acceleration * MARGIN * period;
        let jolt = match joint.jerk {
            Some(jerk) if jerk * period < 2.0 * joint.acceleration => {
                jerk * MARGIN * period * period
            }
            _ => f64::INFINITY,
        };
        let steps = (step / jolt).ceil().max(1.0);
        let velocity = joint.velocity * MARGIN;
        Ok(Self {
            low: low + inset,
            high: high - inset,
            described: joint.position,
            velocity,
            step,
            jolt,
            ramp: if jolt.is_finite() {
                steps * step - jolt * steps * (steps - 1.0) / 2.0
            } else {
                step
            },
            barrier: joint.barrier.map(|barrier| Barrier {
                low,
                high,
                deceleration: barrier.deceleration,
                offset: barrier.offset,
                free: (joint.velocity + barrier.offset).powi(2) / (2.0 * barrier.deceleration),
            }),
        })
    }

    /// Whether jerk has to be looked at.
    pub fn is_jerk_limited(&self) -> bool {
        self.jolt.is_finite()
    }

    /// Ticks in which the joint stops, whatever it is doing.
    ///
    /// # Errors
    /// When these are too many to look ahead.
    pub fn braking_ticks(
        &self,
        joint: &Joint,
        robot: &RobotDescription,
    ) -> Result<usize, GuardError> {
        let mut ticks = (self.velocity / self.step).ceil() + 1.0;
        if self.is_jerk_limited() {
            // It may have to stop speeding up first, then brakes harder and at last less hard, each as long as
            // from no to full acceleration, or to the one that is reached on the way.
            let reached = (2.0 * self.velocity / self.jolt).sqrt().ceil() + 1.0;
            ticks += 4.0 * (self.step / self.jolt).ceil().min(reached) + 4.0;
        }
        if ticks.is_nan() || ticks > LONGEST_BRAKING as f64 {
            return Err(GuardError::Braking {
                robot: robot.name.clone(),
                joint: joint.name.clone(),
                ticks,
                allowed: LONGEST_BRAKING,
            });
        }
        Ok(ticks as usize)
    }

    /// Where a joint at this position goes that is wanted somewhere: as far out as the guard lets it, where it is wanted
    /// at the end of what the description allows or just short of it. Farther out the wish is left as it is, and is a
    /// reason to intervene.
    pub fn kept(&self, wanted: f64, position: f64) -> f64 {
        let wanted = without_rounding(wanted, self.described);
        let [low, high] = self.described;
        if (low..=high).contains(&wanted) {
            wanted
                .max(self.low.min(position))
                .min(self.high.max(position))
        } else {
            wanted
        }
    }

    /// How far outside the position limits this is; less than 0 inside.
    pub fn excess(&self, position: f64) -> f64 {
        (self.low - position).max(position - self.high)
    }

    /// Highest speeds down and up at this position.
    pub fn speeds_at(&self, position: f64) -> (f64, f64) {
        match &self.barrier {
            None => (self.velocity, self.velocity),
            Some(barrier) => (
                barrier.speed(position - barrier.low, self.velocity),
                barrier.speed(barrier.high - position, self.velocity),
            ),
        }
    }

    /// Whether a joint that arrives here with this speed is faster than its barrier allows.
    pub fn breaks_barrier(&self, position: f64, speed: f64) -> bool {
        self.barrier.as_ref().is_some_and(|barrier| {
            let left = if speed > 0.0 {
                barrier.high - position
            } else {
                position - barrier.low
            };
            left < barrier.free && speed.abs() > barrier.speed(left, self.velocity)
        })
    }
}

impl Barrier {
    fn speed(&self, left: f64, fastest: f64) -> f64 {
        if left >= self.free {
            return fastest;
        }
        let speed = (2.0 * self.deceleration * left).max(0.0).sqrt() - self.offset;
        (MARGIN * speed.max(0.0)).min(fastest)
    }
}

/// Refuses limits that finite differences of 64-bit positions cannot tell from rounding, or that are so high
/// that sums of them overflow.
fn representable(joint: &Joint, robot: &RobotDescription) -> Result<(), GuardError> {
    let [low, high] = joint.position;
    let (rate, unit) = (robot.control_hz, &joint.unit);
    if !(rate > 0.0 && rate <= FASTEST) {
        return Err(GuardError::Limit {
            robot: robot.name.clone(),
            joint: joint.name.clone(),
            what: "control_hz",
            got: rate,
            unit: "1/s".into(),
            allowed: format!("above 0, at most {FASTEST:e}"),
        });
    }
    // Least difference of positions there.
    let grain = low.abs().max(high.abs()) * f64::EPSILON;
    let mut rules = vec![
        (
            "velocity",
            joint.velocity,
            format!("{unit}/s"),
            grain * rate,
            FASTEST,
        ),
        (
            "acceleration",
            joint.acceleration,
            format!("{unit}/s^2"),
            4.0 * grain * rate.powi(2),
            FASTEST.powi(2),
        ),
    ];
    if let Some(jerk) = joint.jerk {
        let rounding = 8.0 * grain * rate.powi(3);
        rules.push((
            "jerk",
            jerk,
            format!("{unit}/s^3"),
            rounding,
            FASTEST.powi(3),
        ));
    }
    for (what, got, unit, rounding, most) in rules {
        let least = rounding / ROUNDING;
        if !(got > least && got <= most) {
            return Err(GuardError::Limit {
                robot: robot.name.clone(),
                joint: joint.name.clone(),
                what,
                got,
                allowed: format!(
                    "above {least:e} (what rounding of positions up to {:e} hides at {rate} commands a second), at most {most:e}",
                    low.abs().max(high.abs())
                ),
                unit,
            });
        }
    }
    Ok(())
}
