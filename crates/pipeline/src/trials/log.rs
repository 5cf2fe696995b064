//! Trials on disk: one JSON object a line, whose first member is the CRC-32 of the rest, appended and on disk
//! before the next trial begins. A line that a crash cut short can only be the last, and has no end; it is set
//! aside when the log is opened for more. Any other damage is refused, with the number of the line.

use super::trial::Trial;
use anyhow::{Context as _, Result, anyhow, bail};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

const PREFIX: &str = r#"{"crc32":""#;

/// The log of a run's trials, open for more.
#[derive(Debug)]
pub struct TrialLog {
    path: PathBuf,
    file: File,
    safe_bytes: u64,
    trials: Vec<Trial>,
}

/// What a log holds, read without changing it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrialLogContents {
    /// Every trial, in order.
    pub trials: Vec<Trial>,
    /// Bytes of a last line that was cut off and is not counted.
    pub torn_bytes: usize,
}

impl TrialLog {
    /// Reads the log at `path`; one that is not there holds nothing.
    ///
    /// # Errors
    /// When it cannot be read, or a line with an end is damaged: which, and what to do.
    pub fn read(path: &Path) -> Result<TrialLogContents> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(TrialLogContents::default()),
            Err(e) => return Err(e).with_context(|| format!("{} cannot be read", path.display())),
        };
        let (trials, safe) = read_lines(&bytes, path)?;
        Ok(TrialLogContents {
            trials,
            torn_bytes: bytes.len() - safe,
        })
    }

    /// Opens the log at `path`, or starts one. A last line that was cut off goes to `PATH.torn`.
    ///
    /// # Errors
    /// As [`Self::read`], or when it cannot be written.
    pub fn open(path: &Path) -> Result<Self> {
        let TrialLogContents { trials, torn_bytes } = Self::read(path)?;
        let failed = || format!("{} cannot be opened for more trials", path.display());
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
            trials,
        })
    }

    /// Appends a trial; when this returns, the disk has it. Its number is set to the next one.
    ///
    /// # Errors
    /// When it contradicts itself or cannot be written; those before are kept.
    pub fn append(&mut self, mut trial: Trial) -> Result<&Trial> {
        trial.number = self.trials.len() as u64;
        trial.check()?;
        let line = encode(&trial)?;
        let written = (self.file.write_all(line.as_bytes())).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Best effort: a torn line is set aside at the next opening anyway.
            let _ = self.file.set_len(self.safe_bytes);
            return Err(error).with_context(|| {
                format!(
                    "trial {} cannot be written to {}; the {} before it are kept. Is the disk full?",
                    trial.number,
                    self.path.display(),
                    self.trials.len()
                )
            });
        }
        self.safe_bytes += line.len() as u64;
        self.trials.push(trial);
        self.trials
            .last()
            .ok_or_else(|| anyhow!("a trial that was appended is not there"))
    }

    /// Every trial, in order.
    #[must_use]
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }
}

fn encode(trial: &Trial) -> Result<String> {
    let json = serde_json::to_string(trial)?;
    let crc = crc32fast::hash(json.as_bytes());
    let members = json.strip_prefix('{').unwrap_or(&json);
    Ok(format!("{PREFIX}{crc:08x}\",{members}\n"))
}

/// The trials in `bytes`, and how many bytes hold them.
fn read_lines(bytes: &[u8], path: &Path) -> Result<(Vec<Trial>, usize)> {
    let (mut trials, mut at) = (Vec::new(), 0);
    for (i, line) in bytes.split_inclusive(|&b| b == b'\n').enumerate() {
        let Some(whole) = line.strip_suffix(b"\n") else {
            return Ok((trials, at));
        };
        let trial = decode(whole, i as u64).map_err(|why| {
            anyhow!(
                "{} line {}: {why:#}; restore the file from a copy, or move it away and begin anew",
                path.display(),
                i + 1
            )
        })?;
        trials.push(trial);
        at += line.len();
    }
    Ok((trials, at))
}

fn decode(line: &[u8], number: u64) -> Result<Trial> {
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
    let trial: Trial = serde_json::from_str(&json)
        .context("it is no trial that this build can read; use the version that wrote it")?;
    if trial.number != number {
        bail!("trial {} stands where trial {number} belongs", trial.number);
    }
    trial.check()?;
    Ok(trial)
}

#[cfg(test)]
mod tests {
    use super::super::trial::{
        Guarding, Judge, PolicyIdentity, PolicyRole, Purpose, Start, Verdict,
    };
    use super::*;

    fn trial(start: u64) -> Trial {
        Trial {
            number: 0,
            purpose: Purpose::Comparison,
            comparison: "c1".into(),
            policy: PolicyIdentity {
                role: PolicyRole::Aligned,
                sha256: "0f".repeat(32),
                version: None,
            },
            start: Start {
                number: start,
                seed: 7,
                by_person: false,
            },
            place: Some(1),
            success: Verdict::Yes,
            preferred: Some(Verdict::Unsure),
            judge: Judge::Person("Ada".into()),
            facts: [("mat".to_owned(), "left".into())].into(),
            guarding: Guarding::default(),
            reward: Some(0.25),
            episode: None,
            at_unix_ms: 1,
        }
    }

    #[test]
    fn trials_are_read_back_and_a_torn_line_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.jsonl");
        assert_eq!(TrialLog::read(&path).unwrap(), TrialLogContents::default());
        let mut log = TrialLog::open(&path).unwrap();
        for start in 0..3 {
            log.append(trial(start)).unwrap();
        }
        let whole = fs::read(&path).unwrap();
        assert_eq!(TrialLog::read(&path).unwrap().trials, log.trials());
        assert_eq!(log.trials()[2].number, 2);
        fs::write(&path, &whole[..whole.len() - 5]).unwrap();
        assert_eq!(TrialLog::read(&path).unwrap().trials.len(), 2);
        let mut log = TrialLog::open(&path).unwrap();
        log.append(trial(2)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole);
        assert!(folder.path().join("trials.jsonl.torn").exists());
    }

    #[test]
    fn damage_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.jsonl");
        let mut log = TrialLog::open(&path).unwrap();
        for start in 0..3 {
            log.append(trial(start)).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let refused = |text: &str, words: &[&str]| {
            fs::write(&path, text).unwrap();
            let error = format!("{:#}", TrialLog::read(&path).unwrap_err());
            for word in words {
                assert!(error.contains(word), "{word}: {error}");
            }
        };
        let flipped = text.replacen("\"success\":\"yes\"", "\"success\":\"no\"", 1);
        refused(&flipped, &["line 1", "CRC-32", "restore"]);
        refused(
            &format!("{}{}", lines[0], lines[2]),
            &["line 2", "trial 2", "trial 1"],
        );
        refused(
            &format!("{}\n{}", lines[0], lines[1]),
            &["line 2", "CRC-32"],
        );
        let json = serde_json::to_string(&trial(0)).unwrap();
        let other = json.replacen("\"number\"", "\"colour\":1,\"number\"", 1);
        let crc = crc32fast::hash(other.as_bytes());
        let line = format!("{PREFIX}{crc:08x}\",{}\n", &other[1..]);
        refused(&line, &["line 1", "colour"]);
    }

    #[test]
    fn a_trial_that_contradicts_itself_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.jsonl");
        let mut log = TrialLog::open(&path).unwrap();
        for wrong in [
            Trial {
                place: None,
                ..trial(0)
            },
            Trial {
                comparison: String::new(),
                ..trial(0)
            },
            Trial {
                success: Verdict::No,
                preferred: Some(Verdict::Yes),
                ..trial(0)
            },
        ] {
            assert!(log.append(wrong).is_err());
        }
        assert_eq!(fs::read(&path).unwrap(), b"");
    }
}
