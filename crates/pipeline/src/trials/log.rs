//! Trials on disk.

use super::trial::Trial;
use crate::checked_log::{CheckedLog, LogContents, LogEntry};
use anyhow::Result;

/// The log of a run's trials, open for more.
pub type TrialLog = CheckedLog<Trial>;

/// What a log of trials holds.
pub type TrialLogContents = LogContents<Trial>;

impl TrialLog {
    /// Every trial, in order.
    #[must_use]
    pub fn trials(&self) -> &[Trial] {
        self.entries()
    }
}

impl LogEntry for Trial {
    const NAME: &'static str = "trial";
    const PLURAL: &'static str = "trials";

    fn number(&self) -> u64 {
        self.number
    }

    fn set_number(&mut self, number: u64) {
        self.number = number;
    }

    fn check(&self) -> Result<()> {
        Self::check(self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{
        Guarding, Judge, PolicyIdentity, PolicyRole, Purpose, Start, Verdict,
    };
    use super::*;
    use crate::checked_log::PREFIX;
    use std::fs;

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
        assert_eq!(TrialLog::read(&path).unwrap().entries, log.trials());
        assert_eq!(log.trials()[2].number, 2);
        fs::write(&path, &whole[..whole.len() - 5]).unwrap();
        assert_eq!(TrialLog::read(&path).unwrap().entries.len(), 2);
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
