//! What can go wrong with the encoder.

use thiserror::Error;

/// Errors of building, training and using the encoder.
#[derive(Debug, Error)]
pub enum EncoderError {
    /// A setting that cannot work.
    #[error("encoder setting {key} is {got}, allowed: {allowed}; change it in the configuration")]
    Config {
        /// Which setting.
        key: String,
        /// Its value.
        got: String,
        /// What would do.
        allowed: &'static str,
    },
    /// Too little to learn from.
    #[error("the encoder has nothing to learn from: {0}")]
    NoData(String),
    /// A channel that counts and was not measured.
    #[error(
        "{key} is {weight}, but the robot gives no {measured} (frame {frame} of clip {clip} has none); set {key} = 0, \
         or record on a robot that gives them"
    )]
    NotMeasured {
        /// Key of the channel's weight.
        key: &'static str,
        /// The weight.
        weight: f32,
        /// What was not measured.
        measured: &'static str,
        /// Clip, from 0.
        clip: usize,
        /// Frame, from 0.
        frame: usize,
    },
    /// A frame whose channel is not as wide as the others'.
    #[error(
        "{channel} of frame {frame} of clip {clip} has {got} numbers, the first frame has {wanted}; clips of one robot \
         only can be compared"
    )]
    Width {
        /// Of which channel.
        channel: &'static str,
        /// Clip, from 0.
        clip: usize,
        /// Frame, from 0.
        frame: usize,
        /// Numbers there.
        got: usize,
        /// Numbers in the first frame.
        wanted: usize,
    },
    /// A loss or feature that is not finite.
    #[error("{0} is not a finite number; lower the encoder's learning rate")]
    NotFinite(String),
    /// Stopped on request.
    #[error("stopped on request")]
    Stopped,
    /// Layers that do not fit.
    #[error(transparent)]
    Shape(#[from] apprentice_nn::ShapeError),
    /// Weights that cannot be had, read or written.
    #[error(transparent)]
    Weights(#[from] apprentice_networks::WeightsError),
}
