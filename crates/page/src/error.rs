//! What can keep a page from being served, each in one line.

use std::net::SocketAddr;
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
    /// The system gives no random numbers, thread or sockets.
    #[error("the page cannot be served: {0}")]
    System(String),
    /// There is nothing to ask.
    #[error("there is no group of 2 to 6 episodes to rank; record more (rollouts.episodes)")]
    NothingToAsk,
}
