//! The recording thread: it writes what the control thread went through.

use crate::annotate::annotate;
use crate::schedule::ScheduledChunk;
use crate::{ActionOutcome, ControlError};
use apprentice_core::PolicyObservation;
use apprentice_episode::{DecidedBy, EpisodeEntry, EpisodeWriter, Tick};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

/// How often it looks for more. Control asks the system for nothing, so that nobody can be woken.
const LOOKS: Duration = Duration::from_millis(2);

/// Ticks that may wait to be written; a disk that falls further behind ends the episode.
pub(super) const UNWRITTEN: usize = 128;

/// A policy tick as the control thread hands it over.
pub(super) struct FinishedTick {
    pub index: u64,
    pub stamp_ns: u64,
    /// The observation before it.
    pub observed: Arc<PolicyObservation>,
    /// What was planned, and whether that was executed.
    pub planned: Option<Arc<ScheduledChunk>>,
    pub due: bool,
    /// Whether the arm was somebody else's before.
    pub interrupted: bool,
    pub outcome: ActionOutcome,
}

impl FinishedTick {
    fn tick(&self) -> Tick {
        let planned = self.planned.as_deref();
        let stay = &self.observed.proprioception;
        let recorded = planned.filter(|_| self.due).and_then(|p| p.at(self.index));
        let mut tick = Tick {
            index: self.index,
            stamp_ns: self.stamp_ns,
            observation: self.observed.observation.clone(),
            proprioception: stay.clone(),
            // A tick for which nothing was decided: the arm stayed.
            action: recorded
                .map_or(stay.as_slice(), |(_, record)| record)
                .to_vec(),
            guard_interventions: Vec::new(),
            decided_by: DecidedBy::Agent,
            unexecuted: Vec::new(),
        };
        let left = planned.iter().flat_map(|p| p.recorded_from(self.index));
        annotate(&mut tick, &self.outcome, left, self.interrupted);
        tick
    }
}

/// Writes what comes, until nothing more can; `watch` is told of it first. An episode that was not executed to
/// its end, as `complete` says, is not closed: it reads as cut off.
pub(super) fn record(
    mut writer: EpisodeWriter,
    ticks: &Receiver<FinishedTick>,
    watch: impl Fn(&Tick),
    complete: impl Fn() -> bool,
) -> Result<Option<EpisodeEntry>, ControlError> {
    loop {
        match ticks.try_recv() {
            Ok(finished) => {
                let tick = finished.tick();
                watch(&tick);
                writer.tick(&tick)?;
            }
            Err(TryRecvError::Empty) => std::thread::sleep(LOOKS),
            Err(TryRecvError::Disconnected) => break,
        }
    }
    if complete() {
        Ok(Some(writer.finish()?))
    } else {
        Ok(None)
    }
}
