//! How fast a person moves the arm.

use apprentice_robot::DescriptionError;
use thiserror::Error;

/// How fast a person moves the arm, and how far ahead of it the target may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JogConfig {
    /// m/s at full stick; above 0, at most 1.
    pub speed_m_s: f64,
    /// rad/s at full stick (or the joint's unit a second); above 0, at most 3.
    pub turn_rad_s: f64,
    /// Farthest the target may be from the measured tool, metres: the arm does not run on after release.
    pub max_following_error_m: f64,
    /// The same for its orientation, and for joints, rad (or the joint's unit).
    pub max_following_error_rad: f64,
}

impl Default for JogConfig {
    fn default() -> Self {
        Self {
            speed_m_s: 0.1,
            turn_rad_s: 0.5,
            max_following_error_m: 0.05,
            max_following_error_rad: 0.3,
        }
    }
}

/// Settings or a robot that cannot be jogged with.
#[derive(Debug, Error)]
pub enum JogError {
    /// A setting.
    #[error("{key} is {got} {unit}, allowed: above 0 and at most {most} {unit}")]
    Value {
        /// Which.
        key: &'static str,
        /// Its value.
        got: f64,
        /// The largest that would do.
        most: f64,
        /// Unit of both.
        unit: &'static str,
    },
    /// The robot.
    #[error(transparent)]
    Description(#[from] DescriptionError),
}

impl JogConfig {
    /// Whether every setting is in range.
    ///
    /// # Errors
    /// The first that is not.
    pub(super) fn check(&self) -> Result<(), JogError> {
        for (key, got, most, unit) in [
            ("--speed", self.speed_m_s, 1.0, "m/s"),
            ("--turn", self.turn_rad_s, 3.0, "rad/s"),
            (
                "the following error of the target",
                self.max_following_error_m,
                0.5,
                "m",
            ),
            (
                "the following error of the target",
                self.max_following_error_rad,
                1.0,
                "rad",
            ),
        ] {
            // NaN is in no range.
            if !(got > 0.0 && got <= most) {
                return Err(JogError::Value {
                    key,
                    got,
                    most,
                    unit,
                });
            }
        }
        Ok(())
    }
}
