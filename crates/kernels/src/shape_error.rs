//! What can go wrong with layers and their weights.

use std::fmt::Display;
use std::path::PathBuf;
use thiserror::Error;

/// Sizes that do not fit together.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{layer}: {what} is {got}, allowed: {allowed}")]
pub struct ShapeError {
    /// Which layer.
    pub layer: &'static str,
    /// Which size.
    pub what: &'static str,
    /// Its value.
    pub got: String,
    /// What would do.
    pub allowed: String,
}

impl ShapeError {
    /// Refuses `got` unless it fits.
    pub(crate) fn unless(
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

/// A weights file that cannot be written or read.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The file system refused.
    #[error("weights file {file}: {action} failed: {source}")]
    Io {
        /// The file.
        file: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Not a whole safetensors file.
    #[error("weights file {file} is damaged or cut off ({reason}); write or fetch it again")]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What the reader found.
        reason: String,
    },
    /// A tensor the network needs is not there.
    #[error(
        "weights file {file} has no tensor {tensor} (it has {count} tensors); is it for another network?"
    )]
    Missing {
        /// The file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// Tensors in the file.
        count: usize,
    },
    /// A tensor that the device did not give back.
    #[error(
        "weights file {file} was not written: the device did not give tensor {tensor} back ({reason}); \
         free memory of the device or use another one"
    )]
    Device {
        /// The file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// What the device said.
        reason: String,
    },
    /// A tensor of another shape or type.
    #[error("weights file {file}: tensor {tensor} is {got}, expected {expected}")]
    Shape {
        /// The file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// What the file holds.
        got: String,
        /// What the network has.
        expected: String,
    },
}
