//! The caller's side: things to show go into a bounded queue.

use crate::{StudioError, scene::Scene, sinks};
use apprentice_core::Observation;
use apprentice_episode::{DecidedBy, Episode, Tick};
use apprentice_robot::RobotDescription;
use std::sync::Mutex;
use std::{
    any::Any,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How long the end of a recording may take to reach its file or viewer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What happens to something new when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// It is dropped and counted; the caller never waits. For anything that holds an arm.
    Drop,
    /// The caller waits; nothing is lost. For recorded episodes and virtual time.
    Wait,
}

/// Where to show, and how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudioOptions {
    /// An `.rrd` file to write.
    pub file: Option<PathBuf>,
    /// Serve the viewer on this machine.
    pub live: bool,
    /// Things the queue holds; an observation with two 96x96 frames is about 55 kB.
    pub queue: usize,
    /// What happens when it is full.
    pub when_full: WhenFull,
}

impl StudioOptions {
    fn file(path: &Path) -> Self {
        Self {
            file: Some(path.to_owned()),
            when_full: WhenFull::Wait,
            ..Self::default()
        }
    }
}

impl Default for StudioOptions {
    fn default() -> Self {
        Self {
            file: None,
            live: false,
            queue: 256,
            when_full: WhenFull::Drop,
        }
    }
}

/// What became of what was to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Things handed to the viewer.
    pub shown: u64,
    /// Things dropped because the queue was full.
    pub dropped: u64,
    /// Things the viewer's library refused.
    pub refused: u64,
}

/// Shows episodes, live or recorded.
pub struct Studio {
    queue: Option<SyncSender<Show>>,
    when_full: WhenFull,
    dropped: AtomicU64,
    done: Arc<Done>,
    worker: Option<JoinHandle<Result<(), String>>>,
    url: Option<String>,
    /// Serves the page until the studio goes away.
    _server: Option<Mutex<Box<dyn Any + Send>>>,
}

#[derive(Default)]
struct Done {
    shown: AtomicU64,
    refused: AtomicU64,
}

enum Show {
    Begin(String),
    Observation(u64, Observation),
    Action(u64, Vec<f32>),
    Reward(u64, f64),
    Guarded(u64, DecidedBy, Vec<String>),
    Episode(Box<(String, Episode, Option<Vec<f64>>)>),
    Clips(Vec<(String, Episode)>),
    /// Answers when everything before it is on its way to the viewer.
    Flush(SyncSender<()>),
    #[cfg(test)]
    Hold(Receiver<()>),
}

impl Studio {
    /// Writes an `.rrd` file; callers wait rather than lose something.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn to_file(path: impl AsRef<Path>, robot: &RobotDescription) -> Result<Self, StudioError> {
        Self::show(Some(robot), &StudioOptions::file(path.as_ref()))
    }

    /// Serves the viewer on this machine (see [`Self::url`]); callers never wait.
    ///
    /// # Errors
    /// When nothing can be served.
    pub fn live(robot: &RobotDescription) -> Result<Self, StudioError> {
        let options = StudioOptions {
            live: true,
            ..StudioOptions::default()
        };
        Self::open(robot, &options)
    }

    /// Writes an `.rrd` file of episodes of a robot that nobody has described: cameras, joints and
    /// actions, but no arm in 3-D.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn recordings_to_file(path: impl AsRef<Path>) -> Result<Self, StudioError> {
        Self::show(None, &StudioOptions::file(path.as_ref()))
    }

    /// Opens a studio for `robot`.
    ///
    /// # Errors
    /// When the file cannot be made, nothing can be served, or neither was asked for.
    pub fn open(robot: &RobotDescription, options: &StudioOptions) -> Result<Self, StudioError> {
        Self::show(Some(robot), options)
    }

    fn show(
        robot: Option<&RobotDescription>,
        options: &StudioOptions,
    ) -> Result<Self, StudioError> {
        let sinks = sinks::open("apprentice", options.file.as_deref(), options.live)?;
        let scene = Scene::new(sinks.recording.clone(), robot)
            .map_err(|e| StudioError::Rerun(e.to_string()))?;
        let (queue, to_show) = sync_channel(options.queue);
        let done = Arc::new(Done::default());
        let counts = Arc::clone(&done);
        let (recording, file) = (sinks.recording, sinks.file);
        let worker = thread::Builder::new()
            .name("studio".into())
            .spawn(move || {
                work(scene, &to_show, &counts);
                // A viewer that went away must not hold us up for ever.
                sinks::finish(&recording, file.as_ref(), PATIENCE)
            })
            .map_err(StudioError::Thread)?;
        Ok(Self {
            queue: Some(queue),
            when_full: options.when_full,
            dropped: AtomicU64::new(0),
            done,
            worker: Some(worker),
            url: sinks.url,
            _server: sinks.server.map(Mutex::new),
        })
    }

    /// Where to look with a browser, when live.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Everything from here on belongs to a new episode.
    pub fn begin_episode(&self, label: impl Into<String>) {
        self.put(Show::Begin(label.into()));
    }

    /// Shows what was seen at tick `tick` of the episode.
    pub fn observation(&self, tick: u64, seen: &Observation) {
        self.put(Show::Observation(tick, seen.clone()));
    }

    /// Shows the action of tick `tick`.
    pub fn action(&self, tick: u64, action: &[f32]) {
        self.put(Show::Action(tick, action.to_vec()));
    }

    /// Shows who decided at a tick and why the guard changed commands: a takeover's beginning and end, and
    /// refusals other than those that only slow a command down, become lines of a log.
    pub fn guarded(&self, tick: &Tick) {
        let reasons = tick.guard_interventions.clone();
        self.put(Show::Guarded(tick.index, tick.decided_by, reasons));
    }

    /// Shows the reward of tick `tick`.
    pub fn reward(&self, tick: u64, reward: f64) {
        self.put(Show::Reward(tick, reward));
    }

    /// Shows a recorded episode, with one reward a tick where there are any.
    pub fn episode(&self, episode: &Episode, label: impl Into<String>, reward: Option<&[f64]>) {
        let reward = reward.map(<[f64]>::to_vec);
        let parts = (label.into(), episode.clone(), reward);
        self.put(Show::Episode(Box::new(parts)));
    }

    /// Shows the cameras of a few recorded episodes side by side, under their labels.
    pub fn clips(&self, clips: &[(String, Episode)]) {
        self.put(Show::Clips(clips.to_vec()));
    }

    /// What became of everything so far.
    #[must_use]
    pub fn so_far(&self) -> Shown {
        Shown {
            shown: self.done.shown.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            refused: self.done.refused.load(Ordering::Relaxed),
        }
    }

    /// Waits until everything put in so far is on its way to the viewer.
    pub fn wait(&self) {
        let (answer, answered) = sync_channel(1);
        let queue = self.queue.as_ref();
        if queue.is_some_and(|q| q.send(Show::Flush(answer)).is_ok()) {
            // An error means the thread is gone, and with it everything to wait for.
            let _ = answered.recv();
        }
    }

    /// Shows what is left, ends the file and stops serving.
    ///
    /// # Errors
    /// When the viewer's library failed, or the end did not reach the file in 30 s.
    pub fn finish(mut self) -> Result<Shown, StudioError> {
        self.close().map_err(StudioError::Rerun)?;
        Ok(self.so_far())
    }

    fn put(&self, show: Show) {
        let Some(queue) = &self.queue else {
            return;
        };
        let lost = match self.when_full {
            WhenFull::Wait => queue.send(show).is_err(),
            WhenFull::Drop => matches!(
                queue.try_send(show),
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_))
            ),
        };
        if lost {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn close(&mut self) -> Result<(), String> {
        self.queue = None;
        match self.worker.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            // A panic in the viewer's library must not become one of ours.
            Some(Err(_)) => Err("the viewer's thread panicked".into()),
            None => Ok(()),
        }
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.close();
    }
}

fn work(mut scene: Scene, to_show: &Receiver<Show>, counts: &Done) {
    for show in to_show {
        let result = match show {
            Show::Begin(label) => scene.begin(&label, None),
            Show::Observation(tick, seen) => scene.observation(tick, &seen),
            Show::Action(tick, action) => scene.action(tick, &action),
            Show::Guarded(tick, holder, reasons) => scene.guarded(tick, holder, &reasons),
            Show::Reward(tick, reward) => scene.reward(tick, reward),
            Show::Episode(parts) => {
                let (label, episode, reward) = *parts;
                scene.episode(&label, &episode, reward.as_deref())
            }
            Show::Clips(clips) => scene.clips(&clips),
            Show::Flush(answer) => {
                let _ = answer.send(());
                continue;
            }
            #[cfg(test)]
            Show::Hold(until) => {
                let _ = until.recv();
                continue;
            }
        };
        let count = match result {
            Ok(()) => &counts.shown,
            Err(_) => &counts.refused,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
