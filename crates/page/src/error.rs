//! What can keep a page from being served, each in one line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use thiserror::Error;

/// A problem with serving the page.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PageError {
    /// Nothing can be listened to there.
    #[error(
        "the page cannot listen on {address}: {source}; choose another --port, or 0 for any that is free"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The token would be guessed, or would not fit into a cookie.
    #[error("the token has {got} characters, allowed: 16 to 128 letters, digits, - and _")]
    Token {
        /// Its length; or it has other characters.
        got: usize,
    },
    /// Others could come in, or listen.
    #[error(
        "the page would be served to others at {address}: that takes --token, and --certificate with --certificate-key \
         so that nobody listens; or leave --address away, for this machine alone"
    )]
    Exposed {
        /// Where.
        address: IpAddr,
    },
    /// A certificate or its key cannot be used.
    #[error("{} cannot be used: {why}; allowed: a PEM file of a certificate and one of its private key", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The system gives no random numbers, thread or sockets.
    #[error("the page cannot be served: {0}")]
    System(String),
    /// There is nothing to ask.
    #[error("there is no group of 2 to 6 episodes to rank; record more (rollouts.episodes)")]
    NothingToAsk,
}
