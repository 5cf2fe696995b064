//! Questions that are out, on the disk where they are not in the list: an answer finds its question after a restart.

use crate::error::PageError;
use crate::refusal::Refusal;
use apprentice_episode::EpisodeId;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

/// Some episodes beside each other, for one operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The same for the same group, operator and axis.
    pub id: String,
    pub who: String,
    pub axis: Option<String>,
    /// From left to right.
    pub columns: Vec<EpisodeId>,
    /// Why just these.
    pub reason: String,
    /// What the answer is expected to be worth, in words, and to cost, seconds.
    pub worth: Option<String>,
    pub seconds: Option<f64>,
}

/// Questions that were asked.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    path: Option<PathBuf>,
    all: Vec<Asked>,
}

impl Questions {
    /// Those of before; `None`: they are not kept.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn open(path: Option<&Path>) -> Result<Self, PageError> {
        let mut all = Vec::new();
        if let Some(path) = path.filter(|p| p.exists()) {
            let broken = |e: std::io::Error| {
                PageError::System(format!("{} cannot be read: {e}", path.display()))
            };
            for line in BufReader::new(File::open(path).map_err(broken)?).lines() {
                let line = line.map_err(broken)?;
                if line.is_empty() {
                    continue;
                }
                match serde_json::from_str(&line) {
                    Ok(asked) => all.push(asked),
                    // Cut off when the power went: it was not shown to anybody.
                    Err(e) => tracing::warn!("left out a line of {}: {e}", path.display()),
                }
            }
        }
        Ok(Self {
            path: path.map(Into::into),
            all,
        })
    }

    /// The one that was asked last.
    pub fn last_of(&self, who: &str, axis: Option<&str>) -> Option<&Asked> {
        let mut asked = self.all.iter().rev();
        asked.find(|asked| asked.who == who && asked.axis.as_deref() == axis)
    }

    pub fn find(&self, id: &str) -> Option<&Asked> {
        self.all.iter().find(|asked| asked.id == id)
    }

    /// Keeps one before it is shown.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep(&mut self, asked: &Asked) -> Result<(), Refusal> {
        if let Some(path) = &self.path {
            let broken =
                |e: String| Refusal::broken(format!("{} cannot be written: {e}", path.display()));
            let line = serde_json::to_string(asked).map_err(|e| broken(e.to_string()))?;
            let mut file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .map_err(|e| broken(e.to_string()))?;
            // A line that was cut off before ends here.
            file.write_all(format!("\n{line}\n").as_bytes())
                .and_then(|()| file.sync_data())
                .map_err(|e| broken(e.to_string()))?;
        }
        self.all.push(asked.clone());
        Ok(())
    }
}
