//! What can go wrong when a reward is learnt or used.

use apprentice_encoder::EncoderError;
use apprentice_optimal_transport::OptimalTransportError;
use apprentice_preference::PreferenceError;
use thiserror::Error;

/// Errors of learning, storing and using a reward.
#[derive(Debug, Error)]
pub enum RewardError {
    /// A setting that cannot work.
    #[error("reward setting {key} is {got}, allowed: {allowed}; change it in the configuration")]
    Config {
        /// Which setting.
        key: &'static str,
        /// Its value.
        got: String,
        /// What would do.
        allowed: String,
    },
    /// A judgement that cannot be learnt from.
    #[error(transparent)]
    Preference(#[from] PreferenceError),
    /// Features that cannot be had.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// A video could not be scored.
    #[error(transparent)]
    OptimalTransport(#[from] OptimalTransportError),
    /// No episode was ever put above another.
    #[error("{0} rankings put no episode above another; rank episodes that differ")]
    NothingPreferred(usize),
    /// Too little to learn from.
    #[error("there is nothing to learn a reward from: {0}")]
    NoData(String),
    /// A loss or score that is not finite.
    #[error("{0} is not a finite number; lower the learning rate of reward.learner")]
    NotFinite(String),
    /// A clip of other features than those that were learnt from.
    #[error(
        "a clip with {got} features a frame cannot be scored by a reward learnt from {wanted}; encode it with the \
         encoder and the channels of that reward, or learn the reward again"
    )]
    Width {
        /// Features of the clip's frames.
        got: usize,
        /// Features of the frames that the reward was learnt from.
        wanted: usize,
    },
    /// A stored model that cannot be read.
    #[error("the stored reward cannot be read: {0}; learn it again")]
    Stored(String),
    /// Stopped on request.
    #[error("stopped on request")]
    Stopped,
}
