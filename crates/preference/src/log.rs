//! The record of every judgement: append-only, on disk before the operator sees the next clips.
//!
//! One JSON object a line, whose first member is the CRC-32 of the object without it. A line that a
//! crash cut short can only be the last, and has no end; it is moved aside and the log goes on. Any
//! other damage is an error.

use crate::{FORMAT_VERSION, Judgement, PreferenceError, judgement::consistent};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

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
pub struct Opened {
    /// The log, ready for more.
    pub log: JudgementLog,
    /// The file with the torn last line, when there was one.
    pub set_aside: Option<PathBuf>,
}

/// What a log holds, read without changing it.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
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
    pub fn read(path: impl AsRef<Path>) -> Result<Said, PreferenceError> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|e| PreferenceError::io("read judgements", path, e))?;
        let (judgements, safe) = read_lines(&bytes, path)?;
        Ok(Said {
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
        Self::open_telling(path).map(|opened| opened.log)
    }

    /// As [`Self::open`], and tells whether a torn last line was set aside.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_telling(path: impl AsRef<Path>) -> Result<Opened, PreferenceError> {
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
        Ok(Opened { log, set_aside })
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

/// The judgement as a line, newline included.
fn encode(judgement: &Judgement) -> serde_json::Result<String> {
    let json = serde_json::to_string(judgement)?;
    let crc = crc32fast::hash(json.as_bytes());
    let members = json.strip_prefix('{').unwrap_or(&json);
    Ok(format!("{PREFIX}{crc:08x}\",{members}\n"))
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
    let value: serde_json::Value =
        serde_json::from_str(&json).map_err(|e| damaged(&e.to_string()))?;
    match value.get("format_version").and_then(|v| v.as_u64()) {
        Some(got) if got > u64::from(FORMAT_VERSION) => Err(Problem::Newer(got)),
        _ => serde_json::from_value(value).map_err(|e| damaged(&e.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(n: u64, comment: Option<String>) -> Judgement {
        let ranking = vec![vec!["b".into()], vec!["a".into(), "c".into()]];
        Judgement::new(n, "Zoë \"z\"", 0.1, ranking, comment)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn round_trip(comments in proptest::collection::vec(any::<Option<String>>(), 0..5)) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("judgements.jsonl");
            let given: Vec<_> = comments.into_iter().zip(0..).map(|(c, i)| sample(i, c)).collect();
            for judgement in &given {
                JudgementLog::open(&path).unwrap().append(judgement).unwrap();
            }
            let opened = JudgementLog::open_telling(&path).unwrap();
            prop_assert_eq!(opened.log.judgements(), given.as_slice());
            prop_assert!(opened.set_aside.is_none());
            // Every line is JSON to any other tool.
            for line in fs::read_to_string(&path).unwrap().lines() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(line).is_ok());
            }
        }
    }

    #[test]
    fn a_line_torn_anywhere_is_set_aside_and_the_log_goes_on() {
        let whole = encode(&sample(1, None)).unwrap();
        let torn = encode(&sample(2, None)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        for cut in 1..torn.len() {
            let path = dir.path().join(format!("{cut}.jsonl"));
            fs::write(&path, [whole.as_bytes(), &torn.as_bytes()[..cut]].concat()).unwrap();
            let mut opened = JudgementLog::open_telling(&path).unwrap();
            assert_eq!(opened.log.judgements(), [sample(1, None)]);
            let aside = fs::read(opened.set_aside.unwrap()).unwrap();
            assert_eq!(&aside[..cut], &torn.as_bytes()[..cut]);
            opened.log.append(&sample(3, None)).unwrap();
            let again = JudgementLog::open(&path).unwrap();
            assert_eq!(again.judgements(), [sample(1, None), sample(3, None)]);
        }
    }

    #[test]
    fn a_damaged_last_line_with_an_end_is_an_error_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let line = encode(&sample(1, None)).unwrap();
        let text = format!("{line}{}", line.replacen("0.1", "0.9", 1));
        fs::write(&path, &text).unwrap();
        for error in [
            JudgementLog::open(&path).unwrap_err(),
            JudgementLog::read(&path).unwrap_err(),
        ] {
            let error = error.to_string();
            assert!(error.contains("log line 2 is damaged"), "{error}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert!(!dir.path().join("log.torn").exists());
    }

    #[test]
    fn reading_changes_nothing_and_tells_of_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        assert!(JudgementLog::read(&path).is_err() && !path.exists());
        let text = format!("{}{{\"crc", encode(&sample(1, None)).unwrap());
        fs::write(&path, &text).unwrap();
        let said = JudgementLog::read(&path).unwrap();
        assert_eq!((said.judgements.len(), said.torn_bytes), (1, 5));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn damage_before_the_end_and_newer_lines_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let line = encode(&sample(1, None)).unwrap();
        let bad = line.replacen("0.1", "0.9", 1);
        fs::write(&path, format!("{bad}{line}")).unwrap();
        let error = JudgementLog::open(&path).unwrap_err().to_string();
        assert!(error.contains("line 1 is damaged: its crc32 is"), "{error}");

        let newer = r#"{"format_version":7,"mood":"good"}"#;
        let crc = crc32fast::hash(newer.as_bytes());
        fs::write(&path, format!("{PREFIX}{crc:08x}\",{}\n", &newer[1..])).unwrap();
        let error = JudgementLog::open(&path).unwrap_err().to_string();
        assert!(
            error.contains("format version 7, this build reads up to 1"),
            "{error}"
        );
    }

    #[test]
    fn a_judgement_that_contradicts_itself_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = JudgementLog::open(dir.path().join("log")).unwrap();
        let twice = Judgement::new(0, "ann", 1.0, vec![vec!["a".into()]; 2], None);
        assert!(log.append(&twice).is_err());
        assert_eq!(fs::read(log.path()).unwrap(), b"");
    }
}
