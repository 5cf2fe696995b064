//! The record of every judgement: append-only, on disk before the operator sees the next clips.
//!
//! One JSON object a line, whose first member is the CRC-32 of the object without it. A line that a
//! crash cut short can only be the last, and has no end; it is moved aside and the log goes on. Any
//! other damage is an error. Each line has a `format_version`: new lines have version 2, revocations version 3, and
//! judgements with what was expected of them version 4, so that builds that do not know them say so; those of version 1
//! are read as well and stay as they are, and a log may hold all.

use crate::revocation::is_revocation;
use crate::version_1::{self, JudgementV1};
use crate::{Judgement, PreferenceError, validation::consistent};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The newest version of lines this crate writes and reads.
pub const FORMAT_VERSION: u32 = 4;

/// Version of lines with what was expected of the answer ([`Asked`](crate::Asked)).
const WITH_ASKED: u32 = 4;

/// Version of revocations.
const OF_REVOCATIONS: u32 = 3;

/// Version of lines that builds from before revocations read as well.
const WITHOUT_REVOCATIONS: u32 = 2;

const PREFIX: &str = r#"{"crc32":""#;

/// Judgements in the order they were given.
#[derive(Debug)]
pub struct JudgementLog {
    path: PathBuf,
    file: File,
    /// Bytes that hold whole lines only.
    safe_bytes: u64,
    judgements: Vec<Judgement>,
}

/// A log, and what was set aside to open it.
#[derive(Debug)]
pub struct RecoveredLog {
    /// The log, ready for more.
    pub log: JudgementLog,
    /// The file with the torn last line, when there was one.
    pub set_aside: Option<PathBuf>,
}

/// What a log holds, read without changing it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogContents {
    /// Every judgement, in the order given.
    pub judgements: Vec<Judgement>,
    /// Length of a last line that was cut off and is not counted; 0 when the log is whole.
    pub torn_bytes: usize,
}

impl JudgementLog {
    /// Reads the log at `path` and changes nothing.
    ///
    /// # Errors
    /// When the file is missing or cannot be read, a line with an end is damaged, or one comes from a
    /// newer build.
    pub fn read(path: impl AsRef<Path>) -> Result<LogContents, PreferenceError> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|e| PreferenceError::io("read judgements", path, e))?;
        let (judgements, safe) = read_lines(&bytes, path)?;
        Ok(LogContents {
            judgements,
            torn_bytes: bytes.len() - safe,
        })
    }

    /// Opens the log at `path`, or starts one.
    ///
    /// # Errors
    /// When the file cannot be read or written, a line with an end is damaged, or one comes from a
    /// newer build.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, PreferenceError> {
        Self::recover(path).map(|recovered| recovered.log)
    }

    /// As [`Self::open`], and tells whether a torn last line was set aside.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn recover(path: impl AsRef<Path>) -> Result<RecoveredLog, PreferenceError> {
        let path = path.as_ref().to_owned();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(PreferenceError::io("read judgements", &path, e)),
        };
        let (judgements, safe) = read_lines(&bytes, &path)?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|e| PreferenceError::io("open judgements", &path, e))?;
        let torn = bytes.get(safe..).unwrap_or_default();
        let set_aside = if torn.is_empty() {
            None
        } else {
            Some(
                set_aside(&path, torn, &file, safe as u64)
                    .map_err(|e| PreferenceError::io("set a torn line aside of", &path, e))?,
            )
        };
        let log = Self {
            path,
            file,
            safe_bytes: safe as u64,
            judgements,
        };
        Ok(RecoveredLog { log, set_aside })
    }

    /// Appends `judgement`; when this returns, the disk has it.
    ///
    /// # Errors
    /// When the judgement contradicts itself (see [`crate::validate`]) or cannot be written; the
    /// judgements before are kept.
    pub fn append(&mut self, judgement: &Judgement) -> Result<(), PreferenceError> {
        consistent(judgement)?;
        let line = encode(judgement)
            .map_err(|e| PreferenceError::io("write judgement to", &self.path, e.into()))?;
        let written = (self.file.write_all(line.as_bytes())).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Best effort: a torn line is set aside at the next opening anyway.
            let _ = self.file.set_len(self.safe_bytes);
            return Err(if error.kind() == io::ErrorKind::StorageFull {
                PreferenceError::DiskFull {
                    path: self.path.clone(),
                    kept: self.judgements.len(),
                }
            } else {
                PreferenceError::io("write judgement to", &self.path, error)
            });
        }
        self.safe_bytes += line.len() as u64;
        self.judgements.push(judgement.clone());
        Ok(())
    }

    /// Every judgement, in the order given.
    #[must_use]
    pub fn judgements(&self) -> &[Judgement] {
        &self.judgements
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Moves `torn` to the end of `<path>.torn` and cuts the log to `safe` bytes.
fn set_aside(path: &Path, torn: &[u8], log: &File, safe: u64) -> io::Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(".torn");
    let aside = PathBuf::from(name);
    let mut file = OpenOptions::new().create(true).append(true).open(&aside)?;
    file.write_all(torn)?;
    file.write_all(b"\n")?;
    file.sync_data()?;
    log.set_len(safe)?;
    log.sync_data()?;
    Ok(aside)
}

/// A line without its CRC-32.
#[derive(Serialize)]
struct Line<'a> {
    format_version: u32,
    #[serde(flatten)]
    judgement: &'a Judgement,
}

/// The judgement as a line, newline included.
fn encode(judgement: &Judgement) -> serde_json::Result<String> {
    let json = serde_json::to_string(&Line {
        format_version: if judgement.asked.is_some() {
            WITH_ASKED
        } else if is_revocation(judgement) {
            OF_REVOCATIONS
        } else {
            WITHOUT_REVOCATIONS
        },
        judgement,
    })?;
    Ok(with_crc(&json))
}

/// A line of this JSON object, newline included.
fn with_crc(json: &str) -> String {
    let crc = crc32fast::hash(json.as_bytes());
    let members = json.strip_prefix('{').unwrap_or(json);
    format!("{PREFIX}{crc:08x}\",{members}\n")
}

/// The judgements in `bytes`, and how many bytes hold them.
fn read_lines(bytes: &[u8], path: &Path) -> Result<(Vec<Judgement>, usize), PreferenceError> {
    let mut judgements = Vec::new();
    let mut at = 0;
    for (i, line) in bytes.split_inclusive(|&b| b == b'\n').enumerate() {
        let Some(whole) = line.strip_suffix(b"\n") else {
            // Only the last can be without an end: the writer was cut off in it.
            return Ok((judgements, at));
        };
        match decode(whole) {
            Ok(judgement) => judgements.push(judgement),
            Err(Problem::Newer(got)) => {
                return Err(PreferenceError::NewerVersion {
                    path: path.to_owned(),
                    line: i + 1,
                    got,
                    allowed: FORMAT_VERSION,
                });
            }
            Err(Problem::Damaged(problem)) => {
                return Err(PreferenceError::Corrupt {
                    path: path.to_owned(),
                    line: i + 1,
                    problem,
                });
            }
        }
        at += line.len();
    }
    Ok((judgements, at))
}

enum Problem {
    Newer(u64),
    Damaged(String),
}

/// The judgement in a line, its end taken off.
fn decode(line: &[u8]) -> Result<Judgement, Problem> {
    let damaged = |problem: &str| Problem::Damaged(problem.into());
    let text = std::str::from_utf8(line).map_err(|e| damaged(&e.to_string()))?;
    let (crc, members) = text
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once("\","))
        .ok_or_else(|| damaged("it does not begin with a crc32"))?;
    let json = format!("{{{members}");
    let computed = format!("{:08x}", crc32fast::hash(json.as_bytes()));
    if crc != computed {
        return Err(damaged(&format!("its crc32 is {computed}, it says {crc}")));
    }
    // The version comes first: a newer judgement need not look like ours.
    let mut value: Value = serde_json::from_str(&json).map_err(|e| damaged(&e.to_string()))?;
    let version = value
        .as_object_mut()
        .and_then(|o| o.remove("format_version"));
    match version.as_ref().and_then(Value::as_u64) {
        Some(version_1::VERSION) => parse::<JudgementV1>(value).map(Judgement::from),
        Some(2..=4) => parse(value),
        Some(got) if got > u64::from(FORMAT_VERSION) => Err(Problem::Newer(got)),
        _ => Err(damaged(&format!(
            "its format_version is {}, allowed: 1 to {FORMAT_VERSION}",
            version.unwrap_or_default()
        ))),
    }
}

fn parse<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_json::from_value(value).map_err(|e| Problem::Damaged(e.to_string()))
}

#[cfg(test)]
mod tests;
