//! What a stage is: everything that command line, resuming, report and checks have to know of it.

use crate::config::Config;
use crate::context::Context;
use crate::layout::outcomes_file;
use crate::work::Work;
use anyhow::Result;
use serde_json::Value;

/// A stage of the loop. Each is a file below `stages/` that has one as `STAGE`, and a line in `stages.rs`.
pub struct Stage {
    /// Its name, as in `apprentice run NAME`, marks and reports.
    pub name: &'static str,
    /// What it does, in a few words.
    pub about: &'static str,
    /// The command that runs it, without the program's name.
    pub command: &'static str,
    /// Settings it reads: sections (`train`) or keys (`operator.prefers`) of the configuration.
    pub reads: &'static [&'static str],
    /// The setting among them that only says how much there is to be: what is there of it stays when it changes.
    pub amount: Option<&'static str>,
    /// Stages before it whose files it reads.
    pub needs: &'static [&'static str],
    /// What it writes.
    pub writes: &'static [Output],
    /// Whether it moves a robot.
    pub drives_robot: bool,
    /// Whether networks compute in it, so that the device matters.
    pub computes: bool,
    /// What there is to do with these settings.
    pub work: fn(&Config) -> Vec<Work>,
    /// Does it.
    pub run: fn(&Context) -> Result<()>,
    /// Its figures once it has run, for scripts.
    pub summary: fn(&Context) -> Result<Value>,
}

/// What a stage writes, below the run's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A folder of episodes, with their outcomes. Never overwritten, but moved aside.
    Episodes {
        /// The folder.
        folder: &'static str,
        /// Whether episodes that somebody puts there belong to it.
        may_be_added_to: bool,
    },
    /// The log of judgements. Nothing that people said is lost; rankings stay as long as what they are about stays.
    Judgements(&'static str),
    /// A file that is computed, and computed anew when the stage runs again.
    Computed(&'static str),
    /// The same, of a file that some settings do without.
    MaybeComputed(&'static str),
}

impl Output {
    /// Where it lies.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Episodes { folder, .. } => folder,
            Self::Judgements(path) | Self::Computed(path) | Self::MaybeComputed(path) => path,
        }
    }

    /// What must not be overwritten: moved aside before the stage runs with other settings.
    #[must_use]
    pub fn kept(self) -> Vec<String> {
        match self {
            Self::Episodes { folder, .. } => vec![folder.to_owned(), outcomes_file(folder)],
            // Only part of a log may be void: see `judgements::drop_rankings`.
            Self::Judgements(_) | Self::Computed(_) | Self::MaybeComputed(_) => Vec::new(),
        }
    }
}

impl Stage {
    /// Whether it reads a setting, given by its whole key.
    #[must_use]
    pub fn reads_setting(&self, key: &str) -> bool {
        self.reads.iter().any(|read| {
            key.strip_prefix(read)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
