//! Configuration of the simulator.

use crate::error::{Result, SimError};
use serde::{Deserialize, Serialize};

/// The `[sim]` table. Every key has a default; unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimConfig {
    /// Physics and joint servo step, microseconds (500 to 10000).
    pub step_us: u64,
    /// Largest deviation of each joint from the home posture at reset, radians (0 to 0.2).
    pub home_jitter_rad: f64,
    /// Natural frequency of the joint servos, rad/s (1 to 100).
    pub servo_frequency_rad_s: f64,
    /// Damping ratio of the joint servos; 1 is critical (0.5 to 2).
    pub servo_damping: f64,
    /// Samples a pixel along each side (1 to 4): 2 means four samples a pixel.
    pub supersample: u32,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            step_us: 2500,
            home_jitter_rad: 0.03,
            servo_frequency_rad_s: 40.0,
            servo_damping: 1.0,
            supersample: 2,
        }
    }
}

impl SimConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the first key that is out of range, with what it was and what is allowed.
    pub fn validate(&self) -> Result<()> {
        let within = |key, got, low, high, unit, allowed| {
            in_range("sim", key, got, [low, high], (unit, allowed))
        };
        within(
            "step_us",
            self.step_us as f64,
            500.0,
            10_000.0,
            "us",
            "500 to 10000",
        )?;
        within(
            "home_jitter_rad",
            self.home_jitter_rad,
            0.0,
            0.2,
            "rad",
            "0 to 0.2",
        )?;
        within(
            "servo_frequency_rad_s",
            self.servo_frequency_rad_s,
            1.0,
            100.0,
            "rad/s",
            "1 to 100",
        )?;
        within(
            "servo_damping",
            self.servo_damping,
            0.5,
            2.0,
            "",
            "0.5 to 2",
        )?;
        within(
            "supersample",
            f64::from(self.supersample),
            1.0,
            4.0,
            "samples",
            "1 to 4",
        )
    }
}

/// Whether a value lies in its range, both ends included; NaN lies in none.
///
/// # Errors
/// When it does not: names the key below its table, what it is and what is allowed.
pub fn in_range(
    table: &'static str,
    key: &'static str,
    got: f64,
    [low, high]: [f64; 2],
    (unit, allowed): (&'static str, &'static str),
) -> Result<()> {
    if (low..=high).contains(&got) {
        return Ok(());
    }
    Err(SimError::Config {
        table,
        key,
        got: got.to_string(),
        unit,
        allowed,
    })
}

/// Whether a task's setting is an interval of places on the table, metres: lowest, then highest.
///
/// # Errors
/// When it is not.
pub fn interval(key: &'static str, [low, high]: [f64; 2]) -> Result<()> {
    // NaN fails the comparison too.
    if low <= high && low.abs() < 1.0 && high.abs() < 1.0 {
        return Ok(());
    }
    Err(SimError::Config {
        table: "task",
        key,
        got: format!("[{low}, {high}]"),
        unit: "m",
        allowed: "[lowest, highest], both within 1 m of the base",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid_and_survives_toml() {
        let config = SimConfig::default();
        config.validate().unwrap();
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<SimConfig>(&text).unwrap(), config);
    }

    #[test]
    fn unknown_keys_and_wrong_values_are_named() {
        let error = toml::from_str::<SimConfig>("step_ms = 1.0").unwrap_err();
        assert!(error.to_string().contains("step_ms"), "{error}");
        let text = interval("where_m", [0.6, 0.4]).unwrap_err().to_string();
        assert!(
            text.contains("task.where_m") && text.contains("[0.6, 0.4]"),
            "{text}"
        );
        let config = SimConfig {
            servo_damping: f64::NAN,
            ..SimConfig::default()
        };
        assert!(config.validate().is_err());
    }
}
