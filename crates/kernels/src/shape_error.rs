//! Sizes and element types that do not fit together.

use std::fmt::Display;
use thiserror::Error;

/// Sizes or element types that do not fit together.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{layer}: {what} is {got}, allowed: {allowed}")]
pub struct ShapeError {
    /// Which layer or operation.
    pub layer: &'static str,
    /// Which size or tensor.
    pub what: &'static str,
    /// Its value.
    pub got: String,
    /// What would do.
    pub allowed: String,
}

impl ShapeError {
    /// Refuses `got` unless it fits.
    ///
    /// # Errors
    /// When it does not.
    pub fn unless(
        fits: bool,
        layer: &'static str,
        what: &'static str,
        got: impl Display,
        allowed: impl Display,
    ) -> Result<(), Self> {
        if fits {
            return Ok(());
        }
        Err(Self {
            layer,
            what,
            got: got.to_string(),
            allowed: allowed.to_string(),
        })
    }
}

/// What was checked, where an operation answers with a tensor and not with a result.
///
/// # Panics
/// With the error's message, as burn's tensor operations do where sizes do not fit.
#[track_caller]
pub fn require<T>(checked: Result<T, ShapeError>) -> T {
    match checked {
        Ok(fitting) => fitting,
        Err(error) => panic!("{error}"),
    }
}
