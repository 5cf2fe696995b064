//! What can go wrong with a policy.

use thiserror::Error;

/// Errors of building, training, loading and running a policy.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// A configuration value that cannot work.
    #[error("policy setting {key} is {got}, allowed: {allowed}; change it in the configuration")]
    Config {
        /// Which setting.
        key: &'static str,
        /// Its value.
        got: String,
        /// What would do.
        allowed: String,
    },
    /// Episodes that cannot be trained on.
    #[error("episode {episode} cannot be used for training: {reason}")]
    Episode {
        /// File or id of the episode.
        episode: String,
        /// Why.
        reason: String,
    },
    /// Fewer samples than needed.
    #[error("nothing to train on: {0}; record episodes first")]
    NoData(String),
    /// An observation that does not fit the policy.
    #[error("observation does not fit the policy: {what} is {got}, expected {expected}")]
    Observation {
        /// Which part.
        what: &'static str,
        /// What came.
        got: String,
        /// What the policy was trained with.
        expected: String,
    },
    /// A running chunk that a new one cannot be planned onto.
    #[error(
        "the running chunk of input {input} does not fit the policy: {what} is {got}, allowed: {allowed}; \
         pass on what is left of the chunk that the policy planned last"
    )]
    Running {
        /// Which input.
        input: usize,
        /// Which part.
        what: String,
        /// What came.
        got: String,
        /// What would do.
        allowed: String,
    },
    /// Training or inference produced a number that is not finite.
    #[error("{0} is not a finite number; lower the learning rate or check the recorded actions")]
    NotFinite(String),
    /// A device that gave no numbers back, most often because its memory did not do.
    #[error("the device did not give {what} back ({reason}); {advice}")]
    Computing {
        /// What was read.
        what: &'static str,
        /// What the device said.
        reason: String,
        /// What to change.
        advice: &'static str,
    },
    /// A loop that failed while a device recorded it.
    #[error("the denoising loop could not be recorded on the device: {0}; use --device cpu")]
    Recording(String),
    /// A device that cannot do what is asked.
    #[error(transparent)]
    Device(#[from] apprentice_nn::DeviceError),
    /// Stopped on request.
    #[error("stopped on request at training step {0}")]
    Stopped(usize),
    /// Weights that cannot be read or written.
    #[error(transparent)]
    Weights(#[from] apprentice_nn::WeightsError),
    /// Metadata in a weights file that cannot be understood.
    #[error("weights file {file}: metadata {key} {reason}; was it written by a newer version?")]
    Metadata {
        /// The file.
        file: String,
        /// Which entry.
        key: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A network refused its shape.
    #[error(transparent)]
    Shape(#[from] apprentice_nn::ShapeError),
}
