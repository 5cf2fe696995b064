//! Numbers that scripted experts share.

use crate::{config::in_range, error::Result};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Numbers of the demonstrator. Every key has a default; unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpertConfig {
    /// Rate at which [`Expert::act`](crate::expert::Expert::act) is called, Hz.
    pub rate_hz: f64,
    /// Speed of the tool, m/s.
    pub speed_m_s: f64,
    /// Speed of the tool in the last `clearance_m` before the grasp, m/s.
    pub careful_speed_m_s: f64,
    /// Speed at which the tool turns, rad/s.
    pub turn_rad_s: f64,
    /// How far the measured pose lags behind the commanded one, seconds; targets are set that much
    /// further ahead.
    pub lag_s: f64,
    /// Height above the grasp at which the tool gets in line, metres.
    pub clearance_m: f64,
    /// Ticks for which the arm waits at the end before the demonstration is over.
    pub hold_ticks: u32,
    /// Size (standard deviation) of the position offset on executed actions, metres.
    pub noise_m: f64,
    /// Size (standard deviation) of the wrist offset on executed actions, radians.
    pub noise_rad: f64,
    /// Largest offset, along each axis, of the two knocks the arm gets on its way, metres.
    pub knock_m: f64,
    /// Largest turn of the wrist by such a knock, radians.
    pub knock_rad: f64,
}

impl Default for ExpertConfig {
    fn default() -> Self {
        Self {
            rate_hz: 10.0,
            speed_m_s: 0.17,
            careful_speed_m_s: 0.08,
            turn_rad_s: 1.2,
            lag_s: 0.13,
            clearance_m: 0.10,
            hold_ticks: 4,
            noise_m: 0.008,
            noise_rad: 0.05,
            knock_m: 0.03,
            knock_rad: 0.6,
        }
    }
}

impl ExpertConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the first key that is out of range, with what it was and what is allowed.
    pub fn validate(&self) -> Result<()> {
        let hold_ticks = f64::from(self.hold_ticks);
        let ranges = [
            (
                "rate_hz",
                self.rate_hz,
                [0.1, 1000.0],
                ("Hz", "0.1 to 1000"),
            ),
            (
                "speed_m_s",
                self.speed_m_s,
                [0.001, 2.0],
                ("m/s", "0.001 to 2"),
            ),
            (
                "careful_speed_m_s",
                self.careful_speed_m_s,
                [0.001, 2.0],
                ("m/s", "0.001 to 2"),
            ),
            (
                "turn_rad_s",
                self.turn_rad_s,
                [0.01, 10.0],
                ("rad/s", "0.01 to 10"),
            ),
            ("lag_s", self.lag_s, [0.0, 1.0], ("s", "0 to 1")),
            (
                "clearance_m",
                self.clearance_m,
                [0.0, 0.5],
                ("m", "0 to 0.5"),
            ),
            (
                "hold_ticks",
                hold_ticks,
                [0.0, 10_000.0],
                ("ticks", "0 to 10000"),
            ),
            ("noise_m", self.noise_m, [0.0, 0.1], ("m", "0 to 0.1")),
            ("noise_rad", self.noise_rad, [0.0, 1.0], ("rad", "0 to 1")),
            ("knock_m", self.knock_m, [0.0, 0.2], ("m", "0 to 0.2")),
            (
                "knock_rad",
                self.knock_rad,
                [0.0, PI],
                ("rad", "0 to 3.14159"),
            ),
        ];
        ranges.into_iter().try_for_each(|(key, got, range, words)| {
            in_range("task.expert", key, got, range, words)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_named() {
        ExpertConfig::default().validate().unwrap();
        let stopped = ExpertConfig {
            rate_hz: 0.0,
            ..ExpertConfig::default()
        };
        assert_eq!(
            stopped.validate().unwrap_err().to_string(),
            "task.expert.rate_hz is 0 Hz; allowed: 0.1 to 1000. Change it in the configuration or with \
             --set task.expert.rate_hz=VALUE"
        );
        let unknown = ExpertConfig {
            knock_m: f64::NAN,
            ..ExpertConfig::default()
        };
        assert!(
            unknown
                .validate()
                .unwrap_err()
                .to_string()
                .contains("knock_m is NaN")
        );
    }
}
