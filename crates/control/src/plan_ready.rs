//! Whether an agent has decided, told from one thread to others.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Whether the agent has decided.
#[derive(Default)]
pub(crate) struct PlanReady {
    yes: Mutex<bool>,
    changed: Condvar,
}

impl PlanReady {
    pub fn tell(&self) {
        *self.yes.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Whether it has, at the latest after `patience`.
    pub fn wait(&self, patience: Duration) -> bool {
        let yes = self.yes.lock().unwrap_or_else(PoisonError::into_inner);
        *self
            .changed
            .wait_timeout_while(yes, patience, |yes| !*yes)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}
