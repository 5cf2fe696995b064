//! Where an operator's answers lie, and that only one process adds to them.

use super::answer::{MatchEntry, check_name};
use crate::checked_log::{CheckedLog, LogEntry as _};
use crate::run_dir::RunDir;
use anyhow::{Context as _, Result, bail};
use apprentice_core::sha256_bytes;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// Where the logs lie, below the run's folder.
const FOLDER: &str = "tournament";
/// How a log's name ends.
const ENDING: &str = ".jsonl";

/// An operator's log, open for more.
#[derive(Debug)]
pub(super) struct OperatorLog {
    pub log: CheckedLog<MatchEntry>,
    _held: File,
}

impl OperatorLog {
    /// Opens it, or starts one.
    pub fn open(dir: &RunDir, who: &str) -> Result<Self> {
        check_name(who)?;
        let path = dir.path(&format!("{FOLDER}/{}{ENDING}", file_stem(who)));
        let lock = dir.path(&format!("locks/{FOLDER}-{}", file_stem(who)));
        for path in [&path, &lock] {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("{} cannot be made", folder.display()))?;
            }
        }
        let context = || format!("{} cannot be locked", lock.display());
        let held = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock)
            .with_context(context)?;
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "{who} is asked in another process already (a terminal or a page); answer there, or end it"
            ),
            Err(TryLockError::Error(error)) => return Err(error).with_context(context),
        }
        let log: CheckedLog<MatchEntry> = CheckedLog::open(&path)?;
        all_of(who, log.entries(), &path)?;
        Ok(Self { log, _held: held })
    }
}

/// The answers of everybody, by name, read without changing anything.
pub(super) fn everybody(dir: &RunDir) -> Result<BTreeMap<String, Vec<MatchEntry>>> {
    let folder = dir.path(FOLDER);
    let mut found = BTreeMap::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    let context = || format!("{} cannot be read", folder.display());
    for entry in std::fs::read_dir(&folder).with_context(context)? {
        let path = entry.with_context(context)?.path();
        let is_log = path
            .file_name()
            .and_then(|n| n.to_str())
            .is_some_and(|n| n.ends_with(ENDING));
        if !is_log {
            continue;
        }
        let entries = CheckedLog::<MatchEntry>::read(&path)?.entries;
        if let Some(first) = entries.first() {
            let who = first.who.clone();
            all_of(&who, &entries, &path)?;
            found.insert(who, entries);
        }
    }
    Ok(found)
}

/// Whether all entries are this operator's, and lie where theirs do.
fn all_of(who: &str, entries: &[MatchEntry], path: &Path) -> Result<()> {
    if let Some(other) = entries.iter().find(|e| e.who != who) {
        bail!(
            "{} holds the answers of {who}, and {} {} is of {}; restore the file from a copy, or move it away",
            path.display(),
            MatchEntry::NAME,
            other.number,
            other.who
        );
    }
    let wanted = format!("{}{ENDING}", file_stem(who));
    if !entries.is_empty() && path.file_name().is_none_or(|name| *name != *wanted) {
        bail!(
            "{} holds the answers of {who}, which belong in {wanted}; move the copy away, so that none counts twice",
            path.display()
        );
    }
    Ok(())
}

/// A file's name for somebody: what of it every file system takes, and a part of its hash.
fn file_stem(who: &str) -> String {
    let plain: String = who
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(24)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let hash = sha256_bytes(who.as_bytes());
    format!("{plain}-{}", hash.get(..8).unwrap_or(&hash))
}
