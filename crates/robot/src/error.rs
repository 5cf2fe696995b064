//! What can be wrong with a robot's description.

use thiserror::Error;

/// A description that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DescriptionError {
    /// Not readable.
    #[error("robot description {origin} cannot be read: {reason}")]
    Unreadable {
        /// File or name.
        origin: String,
        /// Why.
        reason: String,
    },
    /// Not what a description looks like.
    #[error("robot description {origin} is not valid: {reason}")]
    Syntax {
        /// File or name.
        origin: String,
        /// What the parser says.
        reason: String,
    },
    /// A value that cannot be.
    #[error("robot description {origin}: {what} is {got}, allowed: {allowed}; correct robot.toml")]
    Value {
        /// File or name.
        origin: String,
        /// Which entry.
        what: String,
        /// Its value.
        got: String,
        /// What would do.
        allowed: String,
    },
    /// A URDF that does not hold what is needed.
    #[error("{file}: {what} is {got}, allowed: {allowed}; correct the file")]
    Urdf {
        /// Its name.
        file: String,
        /// Which element.
        what: String,
        /// What it is.
        got: String,
        /// What would do.
        allowed: String,
    },
}
