//! What people say while an episode runs, kept with its time until the episode is there to say it of.

use crate::board::{Board, note};
use crate::error::PageError;
use crate::refusal::Refusal;
use apprentice_episode::Episode;
use apprentice_link::RunningEpisode;
use apprentice_preference::{Answer, Item, Judgement, Span, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

/// What a page says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    pub who: String,
    /// The page's own, so that what it sends again is kept once.
    pub key: String,
    pub what: What,
    #[serde(default)]
    pub note: String,
}

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// Just now it does well.
    Up,
    /// Just now it does badly.
    Down,
    /// The task was done.
    Success,
    /// It was not.
    Failure,
    /// A person wants to have the arm.
    Takeover,
}

/// What was said, when, and of what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moment {
    key: String,
    who: String,
    what: What,
    when_unix_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// File of the episode below the folder of the run.
    episode: String,
    /// The tick that had passed, and its stamp.
    tick: u64,
    stamp_ns: u64,
}

impl Moment {
    /// # Errors
    /// When nothing ran, the key is none, or what is said of a moment is said of no moment.
    pub fn of(
        said: Said,
        who: String,
        episode: Option<(&RunningEpisode, bool)>,
        when_unix_ms: u64,
    ) -> Result<Self, Refusal> {
        if !(8..=64).contains(&said.key.len())
            || !said.key.chars().all(|c| c.is_ascii_alphanumeric())
        {
            return Err(Refusal::bad("the key has to be 8 to 64 letters and digits"));
        }
        let whole = matches!(said.what, What::Success | What::Failure);
        let (episode, _) = episode.filter(|(_, runs)| *runs || whole).ok_or_else(|| {
            Refusal::bad("no episode runs, or nobody says which: there is nothing to say this of")
        })?;
        Ok(Self {
            key: said.key,
            who,
            what: said.what,
            when_unix_ms,
            note: note(&said.note)?,
            episode: episode.episode.clone(),
            tick: episode.tick,
            stamp_ns: episode.stamp_ns,
        })
    }

    /// The judgement it is once its episode is there; `None` where that is another episode.
    fn judgement(&self, episode: &Episode) -> Option<Judgement> {
        let at = episode.ticks.iter().position(|t| t.index == self.tick)?;
        if episode.ticks.get(at)?.stamp_ns != self.stamp_ns {
            return None;
        }
        let next = episode.ticks.get(at + 1).map(|t| t.stamp_ns);
        let span = Span {
            start_ns: self.stamp_ns,
            end_ns: next.unwrap_or(self.stamp_ns + 1),
        };
        let id = episode.id.clone();
        let moment = Item::part(id.clone(), span);
        let verdict = |verdict| Answer::Success {
            item: Item::whole(id.clone()),
            verdict,
        };
        let answer = match self.what {
            What::Up | What::Down => Answer::Flag {
                item: moment,
                yes: self.what == What::Up,
            },
            What::Success => verdict(Verdict::Yes),
            What::Failure => verdict(Verdict::No),
            What::Takeover => Answer::Utterance {
                text: "asked for a person to take over".into(),
                items: vec![moment],
            },
        };
        let axis = matches!(self.what, What::Up | What::Down).then(|| "good".to_owned());
        let judgement = Judgement {
            axis,
            comment: self.note.clone(),
            query_reason: Some(format!("said while it ran ({})", self.key)),
            ..Judgement::new(self.when_unix_ms, &self.who, answer)
        };
        Some(judgement.with_id())
    }
}

/// Everything that was said, on the disk.
pub(crate) struct Moments {
    path: PathBuf,
    root: PathBuf,
    all: Vec<Moment>,
    /// Those that are in the log, by key.
    settled: BTreeSet<String>,
    /// When the file of an episode that is not the one was last changed.
    others: BTreeMap<PathBuf, SystemTime>,
}

impl Moments {
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn open(path: &Path, root: &Path) -> Result<Self, PageError> {
        let broken = |e: &dyn std::fmt::Display| {
            PageError::System(format!("{} cannot be read: {e}", path.display()))
        };
        let mut all = Vec::new();
        if path.exists() {
            let file = File::open(path).map_err(|e| broken(&e))?;
            for line in BufReader::new(file).lines() {
                let line = line.map_err(|e| broken(&e))?;
                match serde_json::from_str(&line) {
                    Ok(moment) => all.push(moment),
                    // Cut off when the power went; nobody was told that it is kept.
                    Err(error) => tracing::warn!("left out a line of {}: {error}", path.display()),
                }
            }
        }
        Ok(Self {
            path: path.to_owned(),
            root: root.to_owned(),
            all,
            settled: BTreeSet::new(),
            others: BTreeMap::new(),
        })
    }

    /// Puts it on the disk; whether it was there before.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep(&mut self, moment: Moment) -> Result<bool, Refusal> {
        if self.all.iter().any(|m| m.key == moment.key) {
            return Ok(true);
        }
        let line = serde_json::to_string(&moment).map_err(|e| Refusal::broken(e.to_string()))?;
        let kept = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .and_then(|mut file| {
                // On a line of its own, also after one that was cut off.
                let torn = file.metadata()?.len() > 0 && !ends_line(&self.path)?;
                let begin = if torn { "\n" } else { "" };
                file.write_all(format!("{begin}{line}\n").as_bytes())?;
                file.sync_data()
            });
        kept.map_err(|e| {
            Refusal::broken(format!(
                "this could not be kept in {}: {e}",
                self.path.display()
            ))
        })?;
        self.all.push(moment);
        Ok(false)
    }

    /// Those that are not in the log.
    pub fn waiting(&self) -> usize {
        self.all.len() - self.settled.len()
    }

    /// Puts those into the log whose episode is kept by now, once. The `running` one is not read meanwhile: that is work
    /// beside a robot.
    ///
    /// # Errors
    /// When the log refuses.
    pub fn settle(&mut self, board: &mut Board, running: Option<&str>) -> Result<(), Refusal> {
        let mut opened: BTreeMap<PathBuf, Option<Episode>> = BTreeMap::new();
        let waiting = self.all.iter().filter(|m| !self.settled.contains(&m.key));
        let waiting: Vec<Moment> = waiting.cloned().collect();
        for moment in waiting {
            if running == Some(moment.episode.as_str()) {
                continue;
            }
            let Some(path) = below(&self.root, &moment.episode) else {
                continue;
            };
            let Ok(changed) = path.metadata().and_then(|m| m.modified()) else {
                continue;
            };
            if self.others.get(&path) == Some(&changed) && !opened.contains_key(&path) {
                continue;
            }
            // Of one that is still being written the name is not what it will be.
            let episode = opened
                .entry(path.clone())
                .or_insert_with(|| Episode::open(&path).ok().filter(|e| e.complete));
            let Some(judgement) = episode.as_ref().and_then(|e| moment.judgement(e)) else {
                self.others.insert(path, changed);
                continue;
            };
            board.append_once(&judgement)?;
            self.settled.insert(moment.key);
        }
        Ok(())
    }
}

/// A file below a folder; `None` where the name, which others sent, leads out of it.
fn below(root: &Path, name: &str) -> Option<PathBuf> {
    let name = Path::new(name);
    let plain = name
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    (plain && name.extension().is_some_and(|e| e == "mcap")).then(|| root.join(name))
}

fn ends_line(path: &Path) -> std::io::Result<bool> {
    Ok(std::fs::read(path)?.last() == Some(&b'\n'))
}
