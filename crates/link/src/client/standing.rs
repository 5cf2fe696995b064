//! How the arm says it stands.

use crate::wire::{self, Status};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What it said last.
#[derive(Default)]
pub(super) struct Standing {
    said: Mutex<(Option<Status>, Option<String>)>,
    changed: Condvar,
}

impl Standing {
    fn said(&self) -> MutexGuard<'_, (Option<Status>, Option<String>)> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn status(&self) -> Option<Status> {
        self.said().0
    }

    pub(super) fn event(&self) -> Option<String> {
        self.said().1.clone()
    }

    pub(super) fn wait(&self, patience: Duration, until: impl Fn(&Status) -> bool) -> bool {
        let waiting =
            |said: &mut (Option<Status>, Option<String>)| !said.0.as_ref().is_some_and(&until);
        let said = self
            .changed
            .wait_timeout_while(self.said(), patience, waiting);
        !said.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    pub(super) fn hear_status(&self, bytes: &[u8]) {
        match wire::decode_status(bytes) {
            Ok(status) => self.said().0 = Some(status),
            Err(problem) => tracing::warn!("a status cannot be used: {problem}"),
        }
        self.changed.notify_all();
    }

    pub(super) fn hear_event(&self, bytes: &[u8]) {
        match wire::decode_event(bytes) {
            Ok(event) => self.said().1 = Some(event.what),
            Err(problem) => tracing::warn!("an event cannot be used: {problem}"),
        }
    }
}
