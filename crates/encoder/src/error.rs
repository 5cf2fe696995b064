//! What can go wrong with the encoder.

use thiserror::Error;

/// Errors of building, training and using the encoder.
#[derive(Debug, Error)]
pub enum EncoderError {
    /// A setting that cannot work.
    #[error("encoder setting {key} is {got}, allowed: {allowed}; change it in the configuration")]
    Config {
        /// Which setting.
        key: &'static str,
        /// Its value.
        got: String,
        /// What would do.
        allowed: &'static str,
    },
    /// Too little to learn from.
    #[error("the encoder has nothing to learn from: {0}")]
    NoData(String),
    /// A loss or feature that is not finite.
    #[error("{0} is not a finite number; lower the encoder's learning rate")]
    NotFinite(String),
    /// Stopped on request.
    #[error("stopped on request")]
    Stopped,
    /// A transport problem without a solution.
    #[error(transparent)]
    Transport(#[from] apprentice_optimal_transport::TransportError),
    /// Layers that do not fit.
    #[error(transparent)]
    Shape(#[from] apprentice_nn::ShapeError),
    /// Weights that cannot be read or written.
    #[error(transparent)]
    Weights(#[from] apprentice_nn::WeightsError),
    /// Pretrained weights that cannot be had.
    #[error(transparent)]
    Pretrained(#[from] apprentice_weights::WeightsError),
}
