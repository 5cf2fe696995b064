//! A run's folder: what lies where, which stages are done, and that nothing is mixed up.

use crate::changed_settings;
use crate::config::Config;
use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Version of the folder's layout.
const LAYOUT: u32 = 1;

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunDir {
    root: PathBuf,
}

/// What a run was started with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    pub layout: u32,
    pub seed: u64,
    pub device: String,
    pub config: Config,
}

/// A finished stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageMark {
    pub name: String,
    pub seconds: f64,
    pub peak_memory_bytes: u64,
    /// Where networks computed; empty in marks of builds that did not say.
    #[serde(default)]
    pub device: String,
}

impl RunDir {
    /// Opens a run's folder to run `stage` with these settings (`None`: every stage that is left), or
    /// starts one.
    ///
    /// # Errors
    /// When it was written by a newer version, or settings of its finished stages differ.
    pub fn start(root: &Path, info: &RunInfo, stage: Option<&str>) -> Result<Self> {
        let dir = Self {
            root: root.to_owned(),
        };
        fs::create_dir_all(root)
            .with_context(|| format!("run folder {} cannot be made", root.display()))?;
        if dir.path("run.json").exists() {
            changed_settings::adopt(&dir, &dir.info()?, info, stage)?;
        } else {
            dir.write("run.json", info)?;
        }
        Ok(dir)
    }

    /// Opens the folder of a run that exists.
    ///
    /// # Errors
    /// When there is none, or it was written by a newer version.
    pub fn open(root: &Path) -> Result<(Self, RunInfo)> {
        let dir = Self {
            root: root.to_owned(),
        };
        if !dir.path("run.json").exists() {
            bail!(
                "{} is not a run folder (it has no run.json); start one with `apprentice record`",
                root.display()
            );
        }
        let info = dir.info()?;
        Ok((dir, info))
    }

    fn info(&self) -> Result<RunInfo> {
        let value: serde_json::Value = self.read("run.json")?;
        let layout = value
            .get("layout")
            .and_then(serde_json::Value::as_u64)
            .unwrap_or(0);
        if layout != u64::from(LAYOUT) {
            bail!(
                "run folder {} has layout version {layout}, this build reads {LAYOUT}; use the version that wrote it",
                self.root.display()
            );
        }
        let file = self.path("run.json").display().to_string();
        let understand = || -> Result<RunInfo> {
            let config = value.get("config").cloned().unwrap_or_default();
            let config = Config::stored(config, &file)?;
            let mut value = value;
            value["config"] = serde_json::to_value(config)?;
            Ok(serde_json::from_value(value)?)
        };
        understand().with_context(|| format!("{file} cannot be understood"))
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path within the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes a JSON file so that it is either the old or the new one, never half of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_vec_pretty(value)
            .with_context(|| format!("{name} cannot be encoded"))?;
        write_whole(&self.path(name), &text)
    }

    /// Reads a JSON file.
    ///
    /// # Errors
    /// When it is missing (the stage that writes it has not run) or cannot be understood.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let path = self.path(name);
        let text = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} cannot be understood", path.display()))
    }

    /// The mark of a stage, when it is done.
    #[must_use]
    pub fn done(&self, stage: &str) -> Option<StageMark> {
        self.read(&format!("stages/{stage}.json")).ok()
    }

    /// Marks a stage as done.
    ///
    /// # Errors
    /// When the mark cannot be written.
    pub fn mark(&self, mark: &StageMark) -> Result<()> {
        self.write(&format!("stages/{}.json", mark.name), mark)
    }

    /// Takes a stage's mark away, so that it runs again.
    ///
    /// # Errors
    /// When the mark cannot be removed.
    pub fn forget(&self, stage: &str) -> Result<()> {
        let path = self.path(&format!("stages/{stage}.json"));
        fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))
    }

    /// Renames `leaf`, if it is there, to the first `leaf.old-N` that is free, and says so.
    ///
    /// # Errors
    /// When it cannot be renamed; it is then where it was.
    pub fn set_aside(&self, leaf: &str) -> Result<()> {
        let from = self.path(leaf);
        if !from.exists() {
            return Ok(());
        }
        let free = (1u32..)
            .map(|n| self.path(&format!("{leaf}.old-{n}")))
            .find(|p| !p.exists());
        let to = free.with_context(|| format!("{}.old-N: no name is free", from.display()))?;
        fs::rename(&from, &to)
            .with_context(|| format!("{} cannot be moved to {}", from.display(), to.display()))?;
        eprintln!("note: {} is kept as {}", from.display(), to.display());
        Ok(())
    }

    /// Fails with what to do when a stage that is needed has not run.
    ///
    /// # Errors
    /// When the stage is not done.
    pub fn needs(&self, stage: &str, command: &str) -> Result<()> {
        if self.done(stage).is_none() {
            bail!(
                "stage {stage} has not run in {}; run `apprentice {command} --out {}` first",
                self.root.display(),
                self.root.display()
            );
        }
        Ok(())
    }
}

impl RunInfo {
    /// What a run with these settings is known by.
    #[must_use]
    pub fn new(seed: u64, device: String, config: Config) -> Self {
        Self {
            layout: LAYOUT,
            seed,
            device,
            config,
        }
    }
}

/// Writes a file by way of a neighbour and a rename.
///
/// # Errors
/// When the disk refuses; the old file is then as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    let context = || format!("{} cannot be written; is the disk full?", path.display());
    fs::create_dir_all(parent).with_context(context)?;
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("file");
    let beside = parent.join(format!(".{name}.part"));
    let mut file = fs::File::create(&beside).with_context(context)?;
    file.write_all(bytes).with_context(context)?;
    file.sync_all().with_context(context)?;
    fs::rename(&beside, path).with_context(context)
}
