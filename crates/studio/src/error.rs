//! What can go wrong with looking on, each in one line.

use std::{io, path::PathBuf};
use thiserror::Error;

/// A studio that cannot be opened or closed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StudioError {
    /// The file cannot be made.
    #[error("cannot write {}: {problem}; choose another place", path.display())]
    File {
        /// The `.rrd` file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// The viewer cannot be served.
    #[error("cannot serve the viewer on {address}: {problem}; run without the live view")]
    Serve {
        /// Where it would have listened.
        address: &'static str,
        /// Why not.
        problem: String,
    },
    /// Neither a file nor a live view was asked for.
    #[error("a studio without a file and without a live view shows nothing; ask for one of them")]
    NothingToDo,
    /// The thread that feeds the viewer cannot be started.
    #[error("cannot start the studio's thread: {0}")]
    Thread(io::Error),
    /// The viewer's library refused something.
    #[error("rerun: {0}")]
    Rerun(String),
}
