//! What a robot's control thread and the agent share.

use crate::schedule::{Blending, Schedule};
use apprentice_core::Observation;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Where they meet; neither holds it for long.
pub(super) struct Board {
    state: Mutex<BoardState>,
}

pub(super) struct BoardState {
    pub schedule: Schedule,
    /// The newest observations, oldest first, and what the robot felt of itself.
    pub observations: Vec<Observation>,
    pub proprioception: Vec<Vec<f32>>,
    pub tick: u64,
    /// Counts takeovers: what was decided before one does not count after it.
    pub epoch: u64,
    /// Whether the agent may decide: the policy has the arm.
    pub wanted: bool,
    pub done: bool,
    /// Whether the robot has carried out the whole episode.
    pub whole: bool,
}

impl Board {
    /// For a robot that has observed this so far, oldest first.
    pub fn new(
        blending: Blending,
        observations: Vec<Observation>,
        proprioception: Vec<Vec<f32>>,
    ) -> Self {
        Self {
            state: Mutex::new(BoardState {
                schedule: Schedule::new(blending),
                observations,
                proprioception,
                tick: 0,
                epoch: 0,
                wanted: true,
                done: false,
                whole: false,
            }),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, BoardState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the agent when a robot has something new.
#[derive(Default)]
pub(super) struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    pub fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    pub fn wait(&self, patience: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(rung, patience, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}
