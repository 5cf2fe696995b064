//! Exposure, gain and white balance of a camera.

/// A setting that the camera chooses itself, or that is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Setting {
    /// The camera chooses.
    Auto,
    /// This value, in the setting's unit.
    Manual(f64),
}

impl std::str::FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() && value >= 0.0 => Ok(Self::Manual(value)),
            _ => Err(format!(
                "{text:?} is no setting; allowed: auto, or a number from 0 on"
            )),
        }
    }
}

/// Which settings are changed; `None` leaves one as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Controls {
    /// How long the shutter is open, ms.
    pub exposure: Option<Setting>,
    /// Amplification, in the camera's own unit.
    pub gain: Option<Setting>,
    /// Temperature of the light that is taken for white, K.
    pub white_balance: Option<Setting>,
}
