//! A run's folder: what lies where, which stages are done, and that nothing is mixed up.

use crate::config::Config;
use crate::device;
use crate::inputs::Inputs;
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
    /// Version of the folder's layout.
    pub layout: u32,
    /// Seed of everything random.
    pub seed: u64,
    /// Where networks compute: `cpu`, `cuda` or `wgpu`; `flex` in folders from before is `cpu`.
    pub device: String,
    /// The settings.
    pub config: Config,
    /// The options with which they were named (`--config`, FILE, `--set`, KEY=VALUE, ...), to name them again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<String>,
}

/// A finished stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageMark {
    /// The stage.
    pub name: String,
    /// How long it took, seconds.
    pub seconds: f64,
    /// Most memory the process had resident until its end, bytes; 0 where the system does not say.
    pub peak_memory_bytes: u64,
    /// Where networks computed; empty in marks of builds that did not say.
    #[serde(default)]
    pub device: String,
    /// What it started from; `None` in marks of builds that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
}

impl RunDir {
    /// The folder at `root`, made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(root: &Path) -> Result<Self> {
        fs::create_dir_all(root)
            .with_context(|| format!("run folder {} cannot be made", root.display()))?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// Whether a run has begun in it.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.path("run.json").exists()
    }

    /// Opens the folder of a run that exists.
    ///
    /// # Errors
    /// When there is none, or it was written by a newer version.
    pub fn open(root: &Path) -> Result<(Self, RunInfo)> {
        let dir = Self {
            root: root.to_owned(),
        };
        if !dir.has_begun() {
            bail!(
                "{} is not a run folder (it has no run.json); start one with `apprentice record`",
                root.display()
            );
        }
        let info = dir.info()?;
        Ok((dir, info))
    }

    /// What the run was started with.
    ///
    /// # Errors
    /// When it was written by a newer version, or cannot be understood.
    pub fn info(&self) -> Result<RunInfo> {
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
            let mut info: RunInfo = serde_json::from_value(value)?;
            info.device = device::current_name(&info.device).to_owned();
            Ok(info)
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
        self.read(&format!("stages/{stage}.json"))
            .ok()
            .map(|mark: StageMark| StageMark {
                device: device::current_name(&mark.device).to_owned(),
                ..mark
            })
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
            named: Vec::new(),
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
    // Of this process alone: another may be writing the same file.
    let beside = parent.join(format!(".{name}.{}.part", std::process::id()));
    let mut file = fs::File::create(&beside).with_context(context)?;
    file.write_all(bytes).with_context(context)?;
    file.sync_all().with_context(context)?;
    fs::rename(&beside, path).with_context(context)
}
