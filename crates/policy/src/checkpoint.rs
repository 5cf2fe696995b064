//! A policy as one safetensors file: weights, and in its metadata configuration and scaling.

use crate::kind_entry::KIND;
use crate::{DiffusionConfig, DiffusionPolicy, MinMaxNormalizer, PolicyError, PolicyNetwork};
use apprentice_core::{ActionSpace, Seed};
use apprentice_networks::{load_module, read_metadata, save_module};
use burn::tensor::Device;
use serde::de::DeserializeOwned;
use std::{collections::BTreeMap, path::Path};

const FORMAT: &str = "apprentice-policy-1";
/// A setting, and what files call it: the same policy gives the same bytes as ever.
const KEY: &str = "\"n_action_steps\":";
const STORED_KEY: &str = "\"execute\":";

impl DiffusionPolicy {
    /// Writes the policy; the same policy gives the same bytes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), PolicyError> {
        let (proprioception, actions) = self.normalizers();
        let json = |value: Result<String, serde_json::Error>| {
            value.map_err(|e| PolicyError::Metadata {
                file: path.display().to_string(),
                key: "config",
                reason: e.to_string(),
            })
        };
        let mut metadata = BTreeMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            (
                "config".to_owned(),
                json(serde_json::to_string(self.config()))?.replace(KEY, STORED_KEY),
            ),
            (
                "proprioception".to_owned(),
                json(serde_json::to_string(proprioception))?,
            ),
            ("actions".to_owned(), json(serde_json::to_string(actions))?),
            ("cameras".to_owned(), self.cameras().to_string()),
        ]);
        // Files from before have no such entry: what actions mean goes by their number.
        if self.action_space() != ActionSpace::of_sizes(actions.dim(), proprioception.dim()) {
            let space = json(serde_json::to_string(&self.action_space()))?;
            metadata.insert("action_space".to_owned(), space);
        }
        Ok(save_module(self.network(), path, &metadata)?)
    }

    /// Reads a policy.
    ///
    /// # Errors
    /// Names the file and the tensor or entry that is missing, of another shape or cut off.
    pub fn load(path: &Path, device: &Device) -> Result<Self, PolicyError> {
        let metadata = read_metadata(path)?;
        let entry = Entries {
            path,
            metadata: &metadata,
        };
        if let Some(kind) = metadata.get(KIND) {
            return Err(entry.wrong(KIND, format!("is {kind:?}, not of a diffusion policy")));
        }
        let format = entry.text("format")?;
        if format != FORMAT {
            return Err(entry.wrong(
                "format",
                format!("is {format:?}, this version reads {FORMAT:?}"),
            ));
        }
        let config: DiffusionConfig = entry.json("config")?;
        let proprioception: MinMaxNormalizer = entry.json("proprioception")?;
        let actions: MinMaxNormalizer = entry.json("actions")?;
        let cameras: usize = entry.json("cameras")?;
        let fresh = PolicyNetwork::new(
            &config,
            cameras,
            proprioception.dim(),
            actions.dim(),
            &mut Seed(0).rng(),
            device,
        )?;
        let (network, _) = load_module(fresh, path)?;
        let policy = Self::new(network, config, proprioception, actions, cameras, device)?;
        if !metadata.contains_key("action_space") {
            return Ok(policy);
        }
        Ok(policy.with_action_space(entry.json("action_space")?))
    }
}

struct Entries<'a> {
    path: &'a Path,
    metadata: &'a BTreeMap<String, String>,
}

impl Entries<'_> {
    fn wrong(&self, key: &'static str, reason: String) -> PolicyError {
        PolicyError::Metadata {
            file: self.path.display().to_string(),
            key,
            reason,
        }
    }

    fn text(&self, key: &'static str) -> Result<&str, PolicyError> {
        let found = self.metadata.get(key).map(String::as_str);
        found.ok_or_else(|| self.wrong(key, "is missing".into()))
    }

    fn json<T: DeserializeOwned>(&self, key: &'static str) -> Result<T, PolicyError> {
        serde_json::from_str(self.text(key)?)
            .map_err(|e| self.wrong(key, format!("cannot be read: {e}")))
    }
}
