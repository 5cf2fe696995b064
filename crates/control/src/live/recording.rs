//! The recording thread: it writes what the control thread went through.

use super::Seen;
use crate::schedule::Planned;
use crate::session::annotate;
use crate::{Acted, ControlError, Decision};
use apprentice_episode::{DecidedBy, EpisodeEntry, EpisodeWriter, Tick};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

/// How often it looks for more. Control asks the system for nothing, so that nobody can be woken.
const LOOKS: Duration = Duration::from_millis(2);

/// A policy tick as the control thread hands it over.
pub(super) struct Passed {
    pub index: u64,
    pub stamp_ns: u64,
    /// What was seen before it.
    pub seen: Arc<Seen>,
    /// What was planned, and whether that was carried out.
    pub planned: Option<Arc<Planned>>,
    pub due: bool,
    /// Whether the arm was somebody else's before.
    pub interrupted: bool,
    pub acted: Acted,
}

impl Passed {
    fn tick(&self) -> Tick {
        let planned = self.planned.as_deref();
        let felt = &self.seen.felt;
        let recorded = planned.filter(|_| self.due).and_then(|p| p.at(self.index));
        let mut tick = Tick {
            index: self.index,
            stamp_ns: self.stamp_ns,
            observation: self.seen.observation.clone(),
            proprioception: felt.clone(),
            // A tick for which nothing was decided: the arm stayed.
            action: recorded
                .map_or(felt.as_slice(), |(_, record)| record)
                .to_vec(),
            guard_refusals: Vec::new(),
            decided_by: DecidedBy::Agent,
            unexecuted: Vec::new(),
        };
        let left: &[Decision] = planned.map_or(&[], |p| p.left(self.index));
        annotate(&mut tick, &self.acted, left, self.interrupted);
        tick
    }
}

/// Writes what comes, until nothing more can; `watch` is told of it first. An episode that was not carried out to
/// its end, as `whole` says, is not closed: it reads as cut off.
pub(super) fn record(
    mut writer: EpisodeWriter,
    passed: &Receiver<Passed>,
    watch: impl Fn(&Tick),
    whole: impl Fn() -> bool,
) -> Result<Option<EpisodeEntry>, ControlError> {
    loop {
        match passed.try_recv() {
            Ok(passed) => {
                let tick = passed.tick();
                watch(&tick);
                writer.tick(&tick)?;
            }
            Err(TryRecvError::Empty) => std::thread::sleep(LOOKS),
            Err(TryRecvError::Disconnected) => break,
        }
    }
    if whole() {
        Ok(Some(writer.finish()?))
    } else {
        Ok(None)
    }
}
