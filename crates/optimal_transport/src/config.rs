//! Settings of the Sinkhorn iteration.

use crate::OptimalTransportError;
use serde::{Deserialize, Serialize};

/// Which arithmetic the iteration uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Scaling where the numbers allow it, log-domain where they would underflow.
    #[default]
    Auto,
    /// Multiplies rows and columns; fast, underflows when epsilon is small against the costs.
    Scaling,
    /// Works on logarithms; slower, safe at any epsilon.
    LogDomain,
}

/// Settings of the iteration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SinkhornConfig {
    /// Weight of the entropy, in units of the cost (RAPL's code: 1, at which plans are almost uniform;
    /// 0.05 gives plans with a visible diagonal).
    pub epsilon: f64,
    /// Most iterations (RAPL's code: 1000).
    pub iterations: usize,
    /// Largest error of a column's mass at which the iteration stops (RAPL's code: 1e-6).
    pub tolerance: f64,
    /// Arithmetic.
    pub form: Form,
}

impl Default for SinkhornConfig {
    fn default() -> Self {
        Self {
            epsilon: 0.05,
            iterations: 500,
            tolerance: 1e-6,
            form: Form::Auto,
        }
    }
}

impl SinkhornConfig {
    /// Whether the iteration can work with these settings.
    ///
    /// # Errors
    /// Names the first key that cannot be, its value and what is allowed.
    pub fn validate(&self) -> Result<(), OptimalTransportError> {
        let refuse =
            |key, got: String, allowed| Err(OptimalTransportError::Config { key, got, allowed });
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return refuse("epsilon", self.epsilon.to_string(), "more than 0");
        }
        if self.iterations == 0 {
            return refuse("iterations", "0".into(), "1 or more");
        }
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            return refuse("tolerance", self.tolerance.to_string(), "0 or more");
        }
        Ok(())
    }
}
