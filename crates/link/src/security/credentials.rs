//! The files with which a participant proves who it is.

use std::path::PathBuf;

/// The files one participant shows and trusts, all read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) authority: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// Which of the devices of its role it is.
    pub(crate) device_index: u32,
}
