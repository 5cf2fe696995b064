//! What cannot be solved.

use thiserror::Error;

/// Problems that have no plan.
#[derive(Debug, Error, PartialEq)]
pub enum OptimalTransportError {
    /// A sequence without frames.
    #[error("optimal transport between {rows} and {columns} frames: both need at least one")]
    Empty {
        /// Frames of the first sequence.
        rows: usize,
        /// Frames of the second.
        columns: usize,
    },
    /// A setting that cannot work.
    #[error(
        "optimal-transport setting {key} is {got}, allowed: {allowed}; change it in the configuration"
    )]
    Config {
        /// Which setting.
        key: &'static str,
        /// Its value.
        got: String,
        /// What would do.
        allowed: &'static str,
    },
    /// A number that is not finite.
    #[error("optimal transport: {what} is {got}, allowed: {allowed}")]
    Number {
        /// Which.
        what: &'static str,
        /// Its value.
        got: f64,
        /// What would do.
        allowed: &'static str,
    },
}
