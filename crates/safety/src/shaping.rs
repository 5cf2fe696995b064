//! The speed a joint gets for the coming period.
//!
//! Limits are kept in finite differences of the positions that are sent, one a period: speed is the change of
//! position, acceleration the change of speed, jerk the change of acceleration. That is what a controller at
//! the other end can compute, and what [`crate::checker`] does.
//!
//! `rsruckig` solves the same problem for curves in continuous time. It is the yardstick in the tests here, not
//! what runs: its state is the speed and acceleration at an instant, which positions once a period do not
//! determine (curves of constant jerk through given points diverge), so a proposal that is within limits could
//! not be passed on unchanged; it allocates its messages when it refuses a state; and the way to a stop, which
//! has to be known to the last bit before a command is let through, would depend on when it was last asked.
//! The rules here are the exact solution for one position a period, each a few operations.

#[cfg(test)]
mod tests;

use crate::limits::Limits;
use crate::{Intervention, Interventions};

/// Halvings in the search for the highest speed from which the joint still stops in time.
const HALVINGS: usize = 16;

/// `value`, or the bound it is beyond. Unlike [`f64::clamp`] it cannot panic.
pub(crate) fn clamped(value: f64, low: f64, high: f64) -> f64 {
    if value < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}

/// Where proposals for a joint have been going.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stream {
    last: f64,
    speed: f64,
    change: f64,
}

impl Stream {
    /// Nothing was proposed but to stay here.
    pub fn at(position: f64) -> Self {
        Self {
            last: position,
            ..Self::default()
        }
    }

    /// Makes it [`Stream::at`] this position.
    pub fn forget(&mut self, position: f64) {
        *self = Self::at(position);
    }

    /// Speed of the proposals and its change per period if they go on as they did: 0 where they jump more than
    /// the joint could, since a step says nothing of what comes next.
    fn follow(&mut self, wanted: f64, period: f64, limits: &Limits) -> (f64, f64) {
        let speed = (wanted - self.last) / period;
        let change = speed - self.speed;
        let jolt = change - self.change;
        *self = Self {
            last: wanted,
            speed,
            change,
        };
        let smooth = speed.abs() <= limits.velocity
            && change.abs() <= limits.step
            && jolt.abs() <= limits.jolt * (1.0 + 1e-6);
        if smooth { (speed, change) } else { (0.0, 0.0) }
    }
}

/// A joint as it was told to move: where it is, rad; its speed, rad/s; and how much that changed in the last
/// period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Motion {
    pub position: f64,
    pub speed: f64,
    pub change: f64,
}

/// What a joint gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shaped {
    /// Speed of the coming period.
    pub speed: f64,
    /// What it leads to when that is exactly what was wanted, within the position limits.
    pub exact: Option<f64>,
    pub interventions: Interventions,
}

/// Speed of the coming period when braking as hard as allowed without going back.
pub(crate) fn brake(speed: f64, change: f64, limits: &Limits) -> f64 {
    if !limits.is_jerk_limited() {
        return toward_zero(speed, limits.step);
    }
    let wanted = turn(speed.abs(), limits);
    let wanted = if speed > 0.0 { -wanted } else { wanted };
    speed + clamped(wanted, change - limits.jolt, change + limits.jolt)
}

/// Whether a joint that goes on braking stays where it is.
pub(crate) fn is_at_rest(speed: f64, change: f64, limits: &Limits) -> bool {
    speed == 0.0 && change.abs() <= limits.jolt
}

fn toward_zero(speed: f64, step: f64) -> f64 {
    if speed > step {
        speed - step
    } else if speed < -step {
        speed + step
    } else {
        0.0
    }
}

/// Largest change of speed per period from which, getting smaller by `jolt` a period, speed changes by no more
/// than `amount` in all.
///
/// A change of n times the jolt makes up jolt * n (n + 1) / 2 until it is gone; between two of these it is
/// linear.
fn turn(amount: f64, limits: &Limits) -> f64 {
    if amount >= limits.ramp {
        return limits.step;
    }
    if amount <= 0.0 {
        return 0.0;
    }
    let jolt = limits.jolt;
    let periods = (((1.0 + 8.0 * amount / jolt).sqrt() - 1.0) / 2.0)
        .ceil()
        .max(1.0);
    ((amount + jolt * periods * (periods - 1.0) / 2.0) / periods).min(limits.step)
}

/// Speed times periods until a stop, from a speed and its change per period, both positive towards where it
/// goes: the distance of the jerk-limited curve in continuous time, which is no shorter than the one of
/// positions sent at its end of each period.
fn stopping(speed: f64, change: f64, limits: &Limits) -> f64 {
    let (step, jolt) = (limits.step, limits.jolt);
    let from_cruise = |speed: f64| {
        if speed <= 0.0 {
            0.0
        } else if speed * jolt <= step * step {
            speed * (speed / jolt).sqrt()
        } else {
            speed * speed / (2.0 * step) + speed * step / (2.0 * jolt)
        }
    };
    let periods = change.abs() / jolt;
    if change >= 0.0 {
        // Speeds up for a while yet.
        let fastest = speed + change * periods / 2.0;
        return speed * periods + change * periods * periods / 3.0 + from_cruise(fastest);
    }
    if speed <= 0.0 {
        return 0.0;
    }
    if 2.0 * speed * jolt <= change * change {
        // Brakes so hard that it will go back a little.
        let periods = (-change - (change * change - 2.0 * jolt * speed).max(0.0).sqrt()) / jolt;
        return speed * periods
            + change * periods * periods / 2.0
            + jolt * periods * periods * periods / 6.0;
    }
    // On the way of a stop that began at a higher speed.
    let before = speed - change * periods / 2.0;
    from_cruise(before) - (before * periods - jolt * periods * periods * periods / 6.0)
}

/// The step of a joint without a jerk limit that matters: straight to what is wanted, as fast as allowed.
pub(crate) fn step(wanted: f64, at: Motion, limits: &Limits, period: f64) -> Shaped {
    let mut interventions = Interventions::default();
    let speed = (wanted - at.position) / period;
    let slow = clamped(speed, -limits.velocity, limits.velocity);
    if slow != speed {
        interventions.insert(Intervention::Velocity);
    }
    let (down, up) = speeds_near(at, limits, period);
    let careful = clamped(slow, -down, up);
    if careful != slow {
        interventions.insert(Intervention::Barrier);
    }
    let smooth = clamped(careful, at.speed - limits.step, at.speed + limits.step);
    if smooth != careful {
        interventions.insert(Intervention::Acceleration);
    }
    Shaped {
        speed: smooth,
        exact: None,
        interventions,
    }
}

/// The step of a joint with a jerk limit. What is wanted and can be had is given exactly. Otherwise the joint
/// gets there, or to where a steady stream of proposals goes, as fast as it can stop there.
pub(crate) fn jerk_limited_step(
    wanted: f64,
    at: Motion,
    stream: &mut Stream,
    follows: bool,
    limits: &Limits,
    period: f64,
) -> Shaped {
    let mut interventions = Interventions::default();
    let mut outside = Interventions::default();
    let inside = clamped(wanted, limits.low, limits.high);
    if inside != wanted {
        outside.insert(Intervention::Position);
    }
    let wanted = inside;
    let (stream_speed, stream_change) = stream.follow(wanted, period, limits);
    let (down, up) = speeds_near(at, limits, period);
    // Changes of speed that are allowed, and from which acceleration is gone before speed is too high.
    let within = |least: f64, most: f64| {
        let low = clamped(least, at.change - limits.jolt, at.change + limits.jolt);
        (low, clamped(most, low, at.change + limits.jolt))
    };
    let signed = |amount: f64| {
        let size = turn(amount.abs(), limits);
        if amount < 0.0 { -size } else { size }
    };
    let (lowest, highest) = within(
        -turn(limits.velocity + at.speed, limits),
        turn(limits.velocity - at.speed, limits),
    );
    let most = clamped(signed(up - at.speed), lowest, highest);
    let least = clamped(signed(-down - at.speed), lowest, most);

    let speed = (wanted - at.position) / period;
    let change = speed - at.speed;
    if speed.abs() > limits.velocity {
        interventions.insert(Intervention::Velocity);
    } else if speed > up || speed < -down {
        interventions.insert(Intervention::Barrier);
    }
    if change.abs() > limits.step {
        interventions.insert(Intervention::Acceleration);
    }
    if (change - at.change).abs() > limits.jolt {
        interventions.insert(Intervention::Jerk);
    }
    if interventions.is_empty() && change >= least && change <= most {
        // From what is not followed yet, only if the stream could be followed from then on.
        let next = stream_speed + stream_change - speed;
        let joins = (next - change).abs() <= limits.jolt
            && next.abs() <= limits.step
            && (stream_change - next).abs() <= limits.jolt;
        if follows || joins {
            return Shaped {
                speed,
                exact: Some(wanted),
                interventions: outside,
            };
        }
    }
    if interventions.is_empty() {
        // Only ahead: it would overshoot, or get too fast.
        interventions.insert(Intervention::Jerk);
    }
    interventions.merge(outside);
    let behind = wanted - stream_speed * period - at.position;
    let relative = at.speed - stream_speed;
    let change = if behind >= 0.0 {
        approach(behind / period, relative, (least, most), limits)
    } else {
        -approach(-behind / period, -relative, (-most, -least), limits)
    };
    Shaped {
        speed: at.speed + change,
        exact: None,
        interventions,
    }
}

/// The largest change of speed from which the joint still stops no more than `ahead` (speed times periods)
/// further on.
fn approach(ahead: f64, speed: f64, (least, most): (f64, f64), limits: &Limits) -> f64 {
    let stops = |change: f64| {
        let speed = speed + change;
        stopping(speed, change, limits) <= ahead - speed
    };
    if stops(most) {
        return most;
    }
    let hardest = turn(speed.abs(), limits);
    let hardest = if speed > 0.0 { -hardest } else { hardest };
    let (mut good, mut bad) = (clamped(hardest, least, most), most);
    for _ in 0..HALVINGS {
        let middle = (good + bad) / 2.0;
        if stops(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    good
}

/// Highest speeds down and up where the joint will be after one more period like the last.
fn speeds_near(at: Motion, limits: &Limits, period: f64) -> (f64, f64) {
    if limits.barrier.is_none() {
        return (limits.velocity, limits.velocity);
    }
    limits.speeds_at(at.position + at.speed * period)
}
