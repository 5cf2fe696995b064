//! Who is at work in a run's folder: one process may move the robot while another learns, and no two do the same.
//!
//! The locks are the system's own (`flock`) on files below `locks/`: one that is held by a process that was killed is
//! free at once. Beside the lock its holder writes who it is, for others to say.

use crate::run_dir::RunDir;
use crate::stage::{Output, Stage};
use anyhow::{Context as _, Result, bail};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::time::{Duration, Instant};

/// How long another process may take to look a folder through, before this one gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a process does in a run's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It moves the robot and records.
    Recording,
    /// It reads what was recorded and said, and learns from it.
    Learning,
    /// It compares settings, marks and folders; never for long.
    Opening,
}

impl Activity {
    fn file(self) -> &'static str {
        match self {
            Self::Recording => "locks/recording",
            Self::Learning => "locks/learning",
            Self::Opening => "locks/opening",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Learning => "learning",
            Self::Opening => "opening the run",
        }
    }
}

/// A lock that this process holds until it is dropped, or the process ends.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

/// Takes a lock; `None` where another process holds it.
///
/// # Errors
/// When the file cannot be made or locked.
pub fn try_take(dir: &RunDir, activity: Activity) -> Result<Option<Held>> {
    let path = dir.path(activity.file());
    let context = || format!("{} cannot be locked", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(context)?;
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(context)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error).with_context(context),
    }
    // Who it is helps others only; a full disk is told of by what is recorded.
    let _ = file.set_len(0).and_then(|()| {
        file.rewind()?;
        let command: Vec<String> = std::env::args().skip(1).take(2).collect();
        write!(
            file,
            "process {} (apprentice {})",
            std::process::id(),
            command.join(" ")
        )
    });
    Ok(Some(Held { _file: file }))
}

/// Takes a lock.
///
/// # Errors
/// Names the process that holds it.
pub fn take(dir: &RunDir, activity: Activity) -> Result<Held> {
    // Who only looks whether it is free has it for a moment.
    for _ in 0..5 {
        if let Some(held) = try_take(dir, activity)? {
            return Ok(held);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    match try_take(dir, activity)? {
        Some(held) => Ok(held),
        None => bail!(
            "{} is {} in {} already; wait until it ends, or use another --out",
            holder(dir, activity),
            activity.words(),
            dir.root().display()
        ),
    }
}

/// Takes the lock for looking a folder through, once whoever holds it is done.
///
/// # Errors
/// When another process does not let go of it in 20 s.
pub fn take_to_open(dir: &RunDir) -> Result<Held> {
    let begun = Instant::now();
    loop {
        if let Some(held) = try_take(dir, Activity::Opening)? {
            return Ok(held);
        }
        if begun.elapsed() > PATIENCE {
            return take(dir, Activity::Opening);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether another process does this now.
///
/// # Errors
/// When the lock cannot be looked at.
pub fn is_taken(dir: &RunDir, activity: Activity) -> Result<bool> {
    Ok(try_take(dir, activity)?.is_none())
}

/// Who holds a lock, as it wrote itself.
#[must_use]
pub fn holder(dir: &RunDir, activity: Activity) -> String {
    let mut text = String::new();
    let read = File::open(dir.path(activity.file())).and_then(|mut f| f.read_to_string(&mut text));
    match read {
        Ok(_) if !text.is_empty() => text,
        _ => "another process".to_owned(),
    }
}

/// What a process must hold to run a stage. Stages that record what others learn from exclude learning; policies are
/// tried, and rounds recorded, beside it.
///
/// # Errors
/// Names the process that is in the way.
pub fn take_for(dir: &RunDir, stage: &Stage) -> Result<Vec<Held>> {
    let learnt_from = (stage.writes.iter()).any(|output| {
        matches!(
            output,
            Output::Episodes {
                may_be_added_to: true,
                ..
            }
        )
    });
    let mut held = Vec::new();
    if stage.drives_robot {
        held.push(take(dir, Activity::Recording)?);
    }
    if !stage.drives_robot || learnt_from {
        held.push(take(dir, Activity::Learning)?);
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::named;

    #[test]
    fn one_records_while_another_learns_and_no_two_do_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::make(folder.path()).unwrap();
        let learns = take_for(&dir, named("align").unwrap()).unwrap();
        let records = take(&dir, Activity::Recording).unwrap();
        let refused = take_for(&dir, named("reward").unwrap()).unwrap_err();
        let refused = refused.to_string();
        let process = format!("process {}", std::process::id());
        for part in [&process, "learning in", "another --out"] {
            assert!(refused.contains(part), "{part}: {refused}");
        }
        drop(records);
        // The policy is tried beside it, but what it learns from is not recorded anew.
        drop(take_for(&dir, named("evaluate-base").unwrap()).unwrap());
        assert!(take_for(&dir, named("rollouts").unwrap()).is_err());
        assert!(!is_taken(&dir, Activity::Recording).unwrap());
        drop(learns);
        assert_eq!(take_for(&dir, named("rollouts").unwrap()).unwrap().len(), 2);
    }
}
