//! Versions and events on disk: each a file of its own that is whole or not there, and never overwritten.

use super::event::{Event, EventKind, THE_WATCH};
use super::version::Version;
use crate::run_dir::RunDir;
use anyhow::{Context as _, Result, bail};
use apprentice_core::{in_one_line, sha256_file};
use serde::Serialize;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where versions lie, below the run's folder.
pub const VERSIONS: &str = "versions";
/// Where what happened to them lies.
pub const EVENTS: &str = "versions/events";

/// All that is known of a run's versions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The versions, oldest first.
    pub versions: Vec<Version>,
    /// What happened to them, oldest first.
    pub events: Vec<Event>,
    /// Versions of which what is kept cannot be read: their numbers, and why not.
    pub damaged: Vec<(u32, String)>,
}

impl History {
    /// That of a run; empty where nothing was kept yet. A damaged version does not hide the others.
    ///
    /// # Errors
    /// When a folder or an event cannot be read or understood.
    pub fn of(dir: &RunDir) -> Result<Self> {
        let mut history = Self::default();
        for (number, name) in documents(dir, VERSIONS)? {
            match dir.read(&name) {
                Ok(version) => history.versions.push(version),
                Err(why) => history.damaged.push((number, in_one_line(why.as_ref()))),
            }
        }
        let events = documents(dir, EVENTS)?.into_iter();
        history.events = events
            .map(|(_, name)| {
                dir.read(&name)
                    .context("what happened to versions is damaged; restore that file from a copy")
            })
            .collect::<Result<_>>()?;
        Ok(history)
    }

    /// A version by its number.
    ///
    /// # Errors
    /// When there is none.
    pub fn version(&self, number: u32) -> Result<&Version> {
        if let Some((_, why)) = self.damaged.iter().find(|(n, _)| *n == number) {
            bail!(
                "version {number} is damaged: {why}; restore that file from a copy, or go back to the version before \
                 (apprentice rollback)"
            );
        }
        let found = self.versions.iter().find(|v| v.number == number);
        found.with_context(|| {
            let there: Vec<String> = self.versions.iter().map(|v| v.number.to_string()).collect();
            format!(
                "there is no version {number}; allowed: {}",
                if there.is_empty() {
                    "none yet, align first".into()
                } else {
                    there.join(", ")
                }
            )
        })
    }

    /// The newest version with this content.
    #[must_use]
    pub fn with_content(&self, sha256: &str) -> Option<&Version> {
        self.versions.iter().rev().find(|v| v.sha256 == sha256)
    }

    /// Number of the version that is the arm's, be it damaged; `None` where none was ever promoted.
    #[must_use]
    pub fn current_number(&self) -> Option<u32> {
        self.events.last().map(|e| e.version)
    }

    /// The version that is the arm's; `None` where none was ever promoted.
    ///
    /// # Errors
    /// When an event names a version that is not there or damaged.
    pub fn current(&self) -> Result<Option<&Version>> {
        self.current_number().map(|n| self.version(n)).transpose()
    }

    /// How the current version became the arm's; `None` where none was promoted, or the arm went back to the first.
    #[must_use]
    pub fn promotion_of_current(&self) -> Option<&Event> {
        self.stack().last()?.1
    }

    /// The version that was the arm's before the current one; `None` where that is the first.
    #[must_use]
    pub fn before_current(&self) -> Option<u32> {
        let stack = self.stack();
        stack.iter().rev().nth(1).map(|(version, _)| *version)
    }

    /// When the watch last went back from a version of this content, seconds since 1970.
    #[must_use]
    pub fn left_by_watch(&self, sha256: &str) -> Option<u64> {
        let same = |number| {
            let found = self.versions.iter().find(|v| v.number == number);
            found.is_some_and(|v| v.sha256 == sha256)
        };
        let left =
            |e: &&Event| e.what == EventKind::RolledBack && e.who == THE_WATCH && same(e.from);
        self.events.iter().filter(left).map(|e| e.at_s).max()
    }

    /// The versions the arm can go back through, the current one last, with how each became the arm's: a promotion adds
    /// one, and the way back takes them away, so that what was left is not come back to.
    fn stack(&self) -> Vec<(u32, Option<&Event>)> {
        let mut stack: Vec<(u32, Option<&Event>)> = Vec::new();
        for event in &self.events {
            match event.what {
                EventKind::Promoted => {
                    if stack.last().is_none_or(|(top, _)| *top != event.from) {
                        stack.push((event.from, None));
                    }
                    stack.push((event.version, Some(event)));
                }
                EventKind::RolledBack => {
                    stack.pop();
                    match stack.iter().rposition(|(v, _)| *v == event.version) {
                        Some(place) => stack.truncate(place + 1),
                        None => stack.push((event.version, None)),
                    }
                }
            }
        }
        stack
    }
}

/// The file of the arm's policy, below the run's folder; `None` where none was promoted. It is held against its hash.
///
/// # Errors
/// When the history cannot be read, or the file is not the one that was promoted.
pub fn current_policy(dir: &RunDir) -> Result<Option<String>> {
    let history = History::of(dir)?;
    let Some(current) = history.current()? else {
        return Ok(None);
    };
    check_content(dir, current)?;
    let promoted = history.events.last().and_then(|e| e.sha256.as_ref());
    if let Some(promoted) = promoted.filter(|p| **p != current.sha256) {
        bail!(
            "version {} is not the one that became the arm's policy: its SHA-256 is {}, expected {promoted}; restore it \
             from a copy, or go back (apprentice rollback)",
            current.number,
            current.sha256
        );
    }
    Ok(Some(current.file.clone()))
}

/// Holds a version's file against its hash.
///
/// # Errors
/// When it is missing or another.
pub fn check_content(dir: &RunDir, version: &Version) -> Result<()> {
    let path = dir.path(&version.file);
    let found = sha256_file(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    if found != version.sha256 {
        bail!(
            "{} is not version {} any more: its SHA-256 is {found}, expected {}; restore it from a copy, or go back \
             (apprentice rollback)",
            path.display(),
            version.number,
            version.sha256
        );
    }
    Ok(())
}

/// Keeps a policy's file under the next number; `describe` says of that number what else is kept.
///
/// # Errors
/// When it cannot be written; nothing is overwritten.
pub fn keep_version(
    dir: &RunDir,
    policy: &Path,
    describe: impl FnOnce(u32, String, String) -> Version,
) -> Result<Version> {
    let number = next_number(dir, VERSIONS)?;
    let file = format!("{VERSIONS}/{number:04}.safetensors");
    let bytes = fs::read(policy).with_context(|| format!("{} cannot be read", policy.display()))?;
    write_new(&dir.path(&file), &bytes)?;
    let sha256 = sha256_file(&dir.path(&file))?;
    let version = describe(number, file, sha256);
    write_json(dir, &format!("{VERSIONS}/{number:04}.json"), &version)?;
    Ok(version)
}

/// Keeps an event under the next number, which `event` is told.
///
/// # Errors
/// When it cannot be written, or another process wrote one at the same time.
pub fn keep_event(dir: &RunDir, event: impl FnOnce(u32) -> Event) -> Result<Event> {
    let number = next_number(dir, EVENTS)?;
    let event = event(number);
    write_json(dir, &format!("{EVENTS}/{number:06}.json"), &event)?;
    Ok(event)
}

/// Seconds since 1970.
#[must_use]
pub fn now_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}

/// Numbered JSON files, by their numbers.
fn documents(dir: &RunDir, folder: &str) -> Result<Vec<(u32, String)>> {
    let mut names: Vec<(u32, String)> = numbered(dir, folder)?
        .into_iter()
        .filter(|(_, name)| name.ends_with(".json"))
        .map(|(number, name)| (number, format!("{folder}/{name}")))
        .collect();
    names.sort_unstable();
    Ok(names)
}

/// Files whose names begin with a number.
fn numbered(dir: &RunDir, folder: &str) -> Result<Vec<(u32, String)>> {
    let path = dir.path(folder);
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let context = || format!("{} cannot be read", path.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(&path).with_context(context)? {
        let name = entry.with_context(context)?.file_name();
        let name = name.to_string_lossy();
        if let Some(number) = name.split('.').next().and_then(|n| n.parse().ok()) {
            found.push((number, name.into_owned()));
        }
    }
    Ok(found)
}

fn next_number(dir: &RunDir, folder: &str) -> Result<u32> {
    let largest = numbered(dir, folder)?.into_iter().map(|(n, _)| n).max();
    Ok(largest.unwrap_or(0).saturating_add(1))
}

fn write_json(dir: &RunDir, name: &str, value: &impl Serialize) -> Result<()> {
    let text =
        serde_json::to_vec_pretty(value).with_context(|| format!("{name} cannot be encoded"))?;
    write_new(&dir.path(name), &text)
}

/// Writes a file that is not there yet: afterwards it is whole and on the disk, or not there.
fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let context = || format!("{} cannot be written; is the disk full?", path.display());
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(context)?;
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("file");
    let beside = parent.join(format!(".{name}.{}.part", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // A second name for it, unlike a new name, is refused where the name is taken.
        fs::hard_link(&beside, path)
    };
    let written = write();
    let removed = fs::remove_file(&beside);
    if matches!(&written, Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists) {
        bail!(
            "{} is there already, and versions are never overwritten; another process keeps one as well, try again",
            path.display()
        );
    }
    written.with_context(context)?;
    removed.with_context(context)?;
    // The name itself reaches the disk with its folder.
    fs::File::open(parent)
        .and_then(|folder| folder.sync_all())
        .with_context(context)
}
