//! Which robot the page shows.

use apprentice_link::security::Security;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Which robot the page shows, and where.
#[derive(Clone, Debug)]
pub struct LiveRobot {
    /// Its name in the keys of the link.
    pub robot: String,
    /// Where it, or whoever drives it, is, such as `tcp/127.0.0.1:7447`.
    pub endpoint: String,
    /// How it is reached; with keys, an operator's.
    pub security: Security,
    /// Reasons of the guard that people should know of.
    pub matters: BTreeSet<String>,
    /// What policies are called, by the SHA-256 of their file.
    pub versions: BTreeMap<String, String>,
    /// The folder of the run, below which the robot's episodes are kept.
    pub root: PathBuf,
    /// Where what people say while it runs is kept until the episode is there to say it of.
    pub moments: PathBuf,
}
