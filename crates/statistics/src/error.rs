//! What a test refuses to start with.

/// A setting no test of these can work with.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StatisticsError {
    /// A number outside its range.
    #[error("{what} is {got}; it must be {allowed}")]
    OutOfRange {
        /// Which number.
        what: &'static str,
        /// What it was.
        got: f64,
        /// What it may be, in words.
        allowed: &'static str,
    },
}

/// `got`, if it lies strictly between 0 and 1.
pub(crate) fn share(what: &'static str, got: f64) -> Result<f64, StatisticsError> {
    if got > 0.0 && got < 1.0 {
        Ok(got)
    } else {
        Err(StatisticsError::OutOfRange {
            what,
            got,
            allowed: "above 0 and below 1",
        })
    }
}
