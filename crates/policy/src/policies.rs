//! The kinds of policies there are.

use crate::kind_entry::KIND;
use crate::{Policy, PolicyError, PolicyKind, WindowConfig};
use apprentice_networks::read_metadata;
use burn::tensor::Device;
use std::path::Path;

apprentice_core::registry! {
    /// A kind of policy and its settings, the section `policy` of a configuration.
    pub enum PolicyConfig: PolicyKind {
        diffusion::DiffusionConfig = "diffusion",
    }
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self::DiffusionConfig(diffusion::DiffusionConfig::default())
    }
}

impl From<&PolicyConfig> for WindowConfig {
    fn from(config: &PolicyConfig) -> Self {
        config.windows()
    }
}

/// Reads a policy of whatever kind from the file that [`Policy::save`] wrote. A file without an entry `kind` is of a
/// diffusion policy.
///
/// # Errors
/// Names the file and what in it is missing, unknown or does not fit.
pub fn load_policy(path: &Path, device: &Device) -> Result<Box<dyn Policy>, PolicyError> {
    let metadata = read_metadata(path)?;
    let kind = metadata.get(KIND).map_or("diffusion", String::as_str);
    let named = PolicyConfig::named(kind).ok_or_else(|| PolicyError::UnknownKind {
        file: path.display().to_string(),
        got: kind.to_owned(),
        known: PolicyConfig::NAMES.join(", "),
    })?;
    named.load(path, device)
}
