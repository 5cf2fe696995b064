//! Entries on disk: one JSON object a line, whose first member is the CRC-32 of the rest, appended and on disk before
//! anything goes on. A line that a crash cut short can only be the last, and has no end; it is set aside when the log is
//! opened for more. Any other damage is refused, with the number of the line.

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// How every line begins.
pub(crate) const PREFIX: &str = r#"{"crc32":""#;

/// What a log holds an entry of a line.
pub trait LogEntry: Serialize + DeserializeOwned {
    /// What one is called, for errors.
    const NAME: &'static str;
    /// What several are called.
    const PLURAL: &'static str;

    /// Counts up from 0 by one an entry.
    fn number(&self) -> u64;

    /// Sets that number.
    fn set_number(&mut self, number: u64);

    /// Whether it contradicts itself.
    ///
    /// # Errors
    /// What it says, and what is allowed.
    fn check(&self) -> Result<()>;
}

/// A log, open for more.
#[derive(Debug)]
pub struct CheckedLog<T> {
    path: PathBuf,
    file: File,
    safe_bytes: u64,
    entries: Vec<T>,
}

/// What a log holds, read without changing it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogContents<T> {
    /// Every entry, in order.
    pub entries: Vec<T>,
    /// Bytes of a last line that was cut off and is not counted.
    pub torn_bytes: usize,
}

impl<T> Default for LogContents<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            torn_bytes: 0,
        }
    }
}

impl<T: LogEntry> CheckedLog<T> {
    /// Reads the log at `path`; one that is not there holds nothing.
    ///
    /// # Errors
    /// When it cannot be read, or a line with an end is damaged: which, and what to do.
    pub fn read(path: &Path) -> Result<LogContents<T>> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(LogContents::default()),
            Err(e) => return Err(e).with_context(|| format!("{} cannot be read", path.display())),
        };
        let (entries, safe) = read_lines(&bytes, path)?;
        Ok(LogContents {
            entries,
            torn_bytes: bytes.len() - safe,
        })
    }

    /// Opens the log at `path`, or starts one. A last line that was cut off goes to `PATH.torn`.
    ///
    /// # Errors
    /// As [`Self::read`], or when it cannot be written.
    pub fn open(path: &Path) -> Result<Self> {
        let LogContents {
            entries,
            torn_bytes,
        } = Self::read(path)?;
        let failed = || format!("{} cannot be opened for more {}", path.display(), T::PLURAL);
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .with_context(failed)?;
        let whole = file.metadata().with_context(failed)?.len();
        let safe_bytes = whole.saturating_sub(torn_bytes as u64);
        if torn_bytes > 0 {
            let bytes = fs::read(path).with_context(failed)?;
            let mut name = path.as_os_str().to_owned();
            name.push(".torn");
            let mut aside = OpenOptions::new()
                .create(true)
                .append(true)
                .open(PathBuf::from(name))
                .with_context(failed)?;
            aside.write_all(bytes.get(safe_bytes as usize..).unwrap_or_default())?;
            aside.write_all(b"\n")?;
            aside.sync_data()?;
            file.set_len(safe_bytes).with_context(failed)?;
            file.sync_data().with_context(failed)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            safe_bytes,
            entries,
        })
    }

    /// Appends an entry; when this returns, the disk has it. Its number is set to the next one.
    ///
    /// # Errors
    /// When it contradicts itself or cannot be written; those before are kept.
    pub fn append(&mut self, mut entry: T) -> Result<&T> {
        entry.set_number(self.entries.len() as u64);
        entry.check()?;
        let line = encode(&entry)?;
        let written = (self.file.write_all(line.as_bytes())).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Best effort: a torn line is set aside at the next opening anyway.
            let _ = self.file.set_len(self.safe_bytes);
            return Err(error).with_context(|| {
                format!(
                    "{} {} cannot be written to {}; the {} before it are kept. Is the disk full?",
                    T::NAME,
                    entry.number(),
                    self.path.display(),
                    self.entries.len()
                )
            });
        }
        self.safe_bytes += line.len() as u64;
        self.entries.push(entry);
        self.entries
            .last()
            .ok_or_else(|| anyhow!("a {} that was appended is not there", T::NAME))
    }

    /// Every entry, in order.
    #[must_use]
    pub fn entries(&self) -> &[T] {
        &self.entries
    }
}

fn encode<T: LogEntry>(entry: &T) -> Result<String> {
    let json = serde_json::to_string(entry)?;
    let crc = crc32fast::hash(json.as_bytes());
    let members = json.strip_prefix('{').unwrap_or(&json);
    Ok(format!("{PREFIX}{crc:08x}\",{members}\n"))
}

/// The entries in `bytes`, and how many bytes hold them.
fn read_lines<T: LogEntry>(bytes: &[u8], path: &Path) -> Result<(Vec<T>, usize)> {
    let (mut entries, mut at) = (Vec::new(), 0);
    for (i, line) in bytes.split_inclusive(|&b| b == b'\n').enumerate() {
        let Some(whole) = line.strip_suffix(b"\n") else {
            return Ok((entries, at));
        };
        let entry = decode(whole, i as u64).map_err(|why| {
            anyhow!(
                "{} line {}: {why:#}; restore the file from a copy, or move it away and begin anew",
                path.display(),
                i + 1
            )
        })?;
        entries.push(entry);
        at += line.len();
    }
    Ok((entries, at))
}

fn decode<T: LogEntry>(line: &[u8], number: u64) -> Result<T> {
    let text = std::str::from_utf8(line).context("it is no text")?;
    let parts = text
        .strip_prefix(PREFIX)
        .and_then(|rest| Some((rest.get(..8)?, rest.get(8..)?.strip_prefix("\",")?)));
    let Some((crc, members)) = parts else {
        bail!("it does not begin with its CRC-32");
    };
    let json = format!("{{{members}");
    let found = format!("{:08x}", crc32fast::hash(json.as_bytes()));
    if found != crc {
        bail!("it has changed since it was written: its CRC-32 is {found}, expected {crc}");
    }
    let name = T::NAME;
    let entry: T = serde_json::from_str(&json).with_context(|| {
        format!("it is no {name} that this build can read; use the version that wrote it")
    })?;
    if entry.number() != number {
        bail!(
            "{name} {} stands where {name} {number} belongs",
            entry.number()
        );
    }
    entry.check()?;
    Ok(entry)
}
