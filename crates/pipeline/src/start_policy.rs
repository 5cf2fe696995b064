//! Which policy a command means: the base policy, the one the arm has now, or the file of one.

use crate::context::Context;
use crate::layout::{ALIGNED_POLICY, BASE_POLICY, START_POLICY};
use crate::versions::store::current_policy;
use anyhow::{Result, bail};
use apprentice_core::sha256_file;
use apprentice_policy::DiffusionPolicy;
use serde::{Deserialize, Serialize};

/// The policy that an alignment starts from (`align.start`).
#[derive(Clone, Debug)]
pub struct StartPolicy {
    /// Its file, below the run's folder or with its whole path.
    pub file: String,
    name: String,
    sha256: String,
}

/// What an alignment started from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedFrom {
    /// As the setting named it.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// The file of a policy that is named: `base`, `aligned`, `current` (the one the arm has now), or a file's own name.
///
/// # Errors
/// When there is none.
pub fn policy_file(context: &Context, name: &str) -> Result<String> {
    let dir = &context.dir;
    let file = match name {
        "base" => BASE_POLICY.to_owned(),
        "aligned" => ALIGNED_POLICY.to_owned(),
        // Until one is promoted, the aligned policy is what the arm would get.
        "current" => current_policy(dir)?.unwrap_or_else(|| ALIGNED_POLICY.to_owned()),
        file => std::path::absolute(file)?.display().to_string(),
    };
    if !dir.path(&file).is_file() {
        bail!(
            "the policy {name:?} would be {}, which is not there; allowed: base, aligned, current, or the file of a \
             policy",
            dir.path(&file).display()
        );
    }
    Ok(file)
}

impl StartPolicy {
    /// The one of the settings.
    ///
    /// # Errors
    /// When it is not there.
    pub fn of(context: &Context) -> Result<Self> {
        let name = &context.config.align.start;
        let file = policy_file(context, name)?;
        Ok(Self {
            sha256: sha256_file(&context.dir.path(&file))?,
            name: name.clone(),
            file,
        })
    }

    /// Keeps a copy in the run's folder, unless it is the base policy: the aligned policy may take its place.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, context: &Context, policy: &DiffusionPolicy) -> Result<()> {
        if self.file != BASE_POLICY {
            policy.save(&context.dir.path(START_POLICY))?;
        }
        Ok(())
    }

    /// What an alignment notes of it.
    #[must_use]
    pub fn described(&self) -> StartedFrom {
        StartedFrom {
            name: self.name.clone(),
            sha256: self.sha256.clone(),
        }
    }
}
