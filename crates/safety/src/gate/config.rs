//! Settings of the gate.

use apprentice_robot::RobotDescription;

/// How long a command may be missing, and how far targets may jump.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GateConfig {
    /// Silence after which the arm holds, nanoseconds.
    pub hold_after_ns: u64,
    /// Silence after which it is stopped and has to be enabled again, nanoseconds.
    pub stop_after_ns: u64,
    /// Age of the arm's own state above which no command is taken, nanoseconds: a driver that hangs does not
    /// know what it would move from.
    pub measured_within_ns: u64,
    /// Movement that may be made up for at once, as time at a joint's highest speed, nanoseconds: commands
    /// that were held up on the way come together.
    pub burst_ns: u64,
    /// Largest distance of a target from the measured position, rad (or the joint's unit).
    pub following_error_rad: f64,
    /// Share of a joint's highest speed below which it counts as at rest.
    pub rest_share: f64,
    /// Commands a second that are taken on average; more are refused.
    pub rate_hz: f64,
}

impl GateConfig {
    /// 200 ms to hold and 2 s to stop (the watchdogs of franka-node 0.4.0), a state of the last second, 100 ms of
    /// burst, a lead of 0.6 (ours: a little more than the guard allows), rest below a twentieth of a joint's
    /// speed, two and a half times the control rate.
    #[must_use]
    pub fn of(description: &RobotDescription) -> Self {
        let period_ns = 1e9 / description.control_hz;
        Self {
            hold_after_ns: 200_000_000,
            stop_after_ns: 2_000_000_000,
            measured_within_ns: (5.0 * period_ns).max(1e9) as u64,
            burst_ns: (5.0 * period_ns).max(100e6) as u64,
            following_error_rad: 0.6,
            rest_share: 0.05,
            rate_hz: 2.5 * description.control_hz,
        }
    }
}
