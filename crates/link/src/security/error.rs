//! What is wrong with keys and endpoints.

use crate::zenoh_threads::ONE_THREAD;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Something that is not let through, or keys that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SecurityError {
    /// A process that was not started for keys.
    #[error(
        "a process with keys has to be started with {}='{}' in its environment (apprentice does so itself): zenoh would read and write an encrypted connection from two threads at once, and break it",
        ONE_THREAD.0, ONE_THREAD.1
    )]
    Threads,
    /// An endpoint on the network, and nothing that protects it.
    #[error(
        "endpoint {endpoint} leaves this machine and there are no keys; allowed without keys: addresses such as tcp/127.0.0.1:7447 or tcp/[::1]:7447. Make keys (apprentice keys DIR --robot NAME --host HOST), set `keys` to their folder and write tls/HOST:PORT, or say `security = \"off\"` if everybody on that network may move the robot"
    )]
    NotLoopback {
        /// The endpoint.
        endpoint: String,
    },
    /// Keys, and an endpoint that would not use them.
    #[error(
        "endpoint {endpoint} would not use the keys that are set; with keys an endpoint looks like tls/HOST:PORT"
    )]
    NotTls {
        /// The endpoint.
        endpoint: String,
    },
    /// TLS, and no keys.
    #[error(
        "endpoint {endpoint} needs keys and none are set; set `keys` to a folder made by apprentice keys, or write tcp/HOST:PORT"
    )]
    TlsWithoutKeys {
        /// The endpoint.
        endpoint: String,
    },
    /// An endpoint that cannot be read.
    #[error(
        "endpoint {endpoint} cannot be used: {reason}; allowed: tcp/ADDRESS:PORT or tls/HOST:PORT"
    )]
    Endpoint {
        /// The endpoint.
        endpoint: String,
        /// What is wrong.
        reason: String,
    },
    /// A role nobody connects to.
    #[error(
        "a {role} may not listen, and it was to listen at {endpoint}; the robot, the runtime or a router listens, and it joins them"
    )]
    MayNotListen {
        /// Which role.
        role: String,
        /// Where it was to listen.
        endpoint: String,
    },
    /// Operators' devices on a network where we do not judge who may do what.
    #[error(
        "people cannot take {robot} over where it is connected: only operators' devices may, and with keys (or a zenoh_config) of others nothing of ours tells them apart there; set robot.operators to an address of this process, such as tls/0.0.0.0:7448, and connect them to it (apprentice takeover --endpoint tls/HOST:7448)"
    )]
    UnjudgedOperators {
        /// Which robot.
        robot: String,
    },
    /// A name that cannot be a robot's.
    #[error("robot name {got:?} cannot be used; allowed: 1 to 48 letters, digits, _ and -")]
    RobotName {
        /// The name.
        got: String,
    },
    /// A host that cannot be written into a certificate.
    #[error("host {got:?} cannot be used; allowed: a host name or an address, without port")]
    Host {
        /// The host.
        got: String,
    },
    /// A number of devices that cannot be told apart.
    #[error("{got} certificates for a {role} cannot be made; allowed: 1 to {most}")]
    DeviceCount {
        /// Which role.
        role: String,
        /// The number.
        got: u32,
        /// The most.
        most: u32,
    },
    /// A number of days that makes no sense.
    #[error("keys cannot be valid for {got} days; allowed: 1 to 3650")]
    Days {
        /// The number.
        got: u32,
    },
    /// An unknown word in the configuration.
    #[error("security = {got:?} means nothing; allowed: \"off\", or nothing at all")]
    Word {
        /// The word.
        got: String,
    },
    /// Off and keys at once.
    #[error(
        "security is \"off\" and keys are set to {}; take one of the two away", .folder.display()
    )]
    OffWithKeys {
        /// The keys' folder.
        folder: PathBuf,
    },
    /// A file that cannot be used.
    #[error("{} cannot be used: {reason}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Something is there already.
    #[error(
        "{} is not empty, and keys are never overwritten; name a new folder, or look at the keys that are there with --check", .folder.display()
    )]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// A certificate that would be refused.
    #[error(
        "certificate {} cannot be used: {problem}; apprentice keys DIR --check says what fits, apprentice keys makes new ones", .path.display()
    )]
    Certificate {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// No certificate could be made.
    #[error("no certificate for {name} could be made: {reason}")]
    Make {
        /// Whose.
        name: String,
        /// Why.
        reason: String,
    },
}

impl SecurityError {
    pub(crate) fn file(path: &Path, reason: &impl ToString) -> Self {
        Self::File {
            path: path.into(),
            reason: reason.to_string(),
        }
    }
}
