//! Settings of the guard, and what is wrong with those that cannot be.

use apprentice_robot::DescriptionError;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Settings of the guard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuardConfig {
    /// Age at which a command is no longer obeyed, milliseconds (1 to 10000).
    pub stale_ms: u64,
    /// Largest distance of a joint's target from its measured position, rad (or its unit); 0 for no
    /// such limit.
    #[serde(alias = "lead_limit")]
    pub following_error_rad: f64,
    /// Age of the observation an action was computed from at which it is no longer obeyed, milliseconds
    /// (1 to 60000). Only commands that say what they were computed from are judged by it.
    pub chunk_stale_ms: u64,
    /// Smallest distance of the arm's capsules from each other, metres (0.0005 to 1); 0 lets them touch.
    pub self_clearance_m: f64,
}

impl Default for GuardConfig {
    fn default() -> Self {
        Self {
            stale_ms: 200,
            following_error_rad: 0.5,
            chunk_stale_ms: 2_000,
            self_clearance_m: 0.01,
        }
    }
}

impl GuardConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the first key that is out of range, with what it was and what is allowed.
    pub fn validate(&self) -> Result<(), GuardError> {
        let refuse = |key, got: String, unit, allowed| {
            Err(GuardError::Config {
                key,
                got,
                unit,
                allowed,
            })
        };
        if !(1..=10_000).contains(&self.stale_ms) {
            return refuse("stale_ms", self.stale_ms.to_string(), "ms", "1 to 10000");
        }
        // NaN is in no range.
        if !(0.0..=f64::MAX).contains(&self.following_error_rad) {
            return refuse(
                "following_error_rad",
                self.following_error_rad.to_string(),
                "rad",
                "0 (no such limit) or a finite number above 0",
            );
        }
        if !(1..=60_000).contains(&self.chunk_stale_ms) {
            return refuse(
                "chunk_stale_ms",
                self.chunk_stale_ms.to_string(),
                "ms",
                "1 to 60000",
            );
        }
        let clearance = self.self_clearance_m;
        if clearance != 0.0 && !(0.0005..=1.0).contains(&clearance) {
            return refuse(
                "self_clearance_m",
                clearance.to_string(),
                "m",
                "0 (may touch) or 0.0005 to 1",
            );
        }
        Ok(())
    }
}

/// Settings or a robot that cannot be guarded.
#[derive(Debug, Error, PartialEq)]
pub enum GuardError {
    /// A setting.
    #[error(
        "guard.{key} is {got} {unit}, allowed: {allowed}; change it in the configuration or with --set guard.{key}=VALUE"
    )]
    Config {
        /// Which.
        key: &'static str,
        /// Its value.
        got: String,
        /// Unit of the value.
        unit: &'static str,
        /// What would do.
        allowed: &'static str,
    },
    /// A joint that takes too long to stop.
    #[error(
        "joint {joint} of robot {robot} takes {ticks} commands to stop from its highest speed, allowed: {allowed}; raise its acceleration, or lower its velocity or control_hz, in robot.toml"
    )]
    Braking {
        /// Which robot.
        robot: String,
        /// Which joint.
        joint: String,
        /// Commands it takes.
        ticks: f64,
        /// Commands it may take.
        allowed: usize,
    },
    /// A joint whose limits cannot be kept with 64-bit numbers.
    #[error(
        "{what} of joint {joint} of robot {robot} is {got} {unit}, allowed: {allowed}; correct it in robot.toml, or lower control_hz there"
    )]
    Limit {
        /// Which robot.
        robot: String,
        /// Which joint.
        joint: String,
        /// Which limit.
        what: &'static str,
        /// Its value.
        got: f64,
        /// Unit of the value.
        unit: String,
        /// What would do.
        allowed: String,
    },
    /// A robot whose capsules are too near each other where it starts.
    #[error(
        "capsules {} and {} of robot {robot} are {got:.4} m apart at home, allowed: at least {allowed} m (guard.self_clearance_m); correct capsules or home, or, if the two always touch, list [{}, {}] under may_touch in robot.toml", pair[0], pair[1], pair[0], pair[1]
    )]
    Home {
        /// Which robot.
        robot: String,
        /// Which capsules.
        pair: [usize; 2],
        /// Their distance, metres.
        got: f64,
        /// What they must keep, metres.
        allowed: f64,
    },
    /// The robot.
    #[error(transparent)]
    Description(#[from] DescriptionError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_named() {
        assert_eq!(GuardConfig::default().validate(), Ok(()));
        let error = |change: &dyn Fn(&mut GuardConfig)| {
            let mut config = GuardConfig::default();
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };
        assert_eq!(
            error(&|c| c.stale_ms = 0),
            "guard.stale_ms is 0 ms, allowed: 1 to 10000; change it in the configuration or with \
             --set guard.stale_ms=VALUE"
        );
        assert!(error(&|c| c.stale_ms = 10_001).contains("stale_ms"));
        for lead in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(error(&|c| c.following_error_rad = lead).contains("following_error_rad"));
        }
        for age in [0, 60_001, u64::MAX] {
            assert!(error(&|c| c.chunk_stale_ms = age).contains("chunk_stale_ms"));
        }
        for distance in [-0.01, 1e-5, 1.1, f64::NAN, f64::INFINITY] {
            assert!(error(&|c| c.self_clearance_m = distance).contains("self_clearance_m"));
        }
    }
}
