//! The importers there are.

use crate::Importer;

apprentice_core::registry! {
    /// A format of somebody else's recordings, and what its files do not say.
    pub enum ImportKind: Importer {
        rlds::Rlds = "rlds",
    }
}
