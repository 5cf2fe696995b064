//! How the arm says it stands.

use crate::wire::{self, Status};
use apprentice_safety::Phase;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What it said last.
#[derive(Default)]
pub(super) struct ReportedStatus {
    newest: Mutex<(Option<Status>, Option<String>)>,
    changed: Condvar,
    /// The client that commands it, and whether the arm has said since that it does not obey that one.
    engaged: Mutex<Option<(u32, bool)>>,
}

impl ReportedStatus {
    fn newest(&self) -> MutexGuard<'_, (Option<Status>, Option<String>)> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn status(&self) -> Option<Status> {
        self.newest().0
    }

    /// From now on every status counts that says that the arm does not obey this client any more: one that says
    /// otherwise afterwards, whoever sends it, does not undo that.
    pub(super) fn engage(&self, client: Option<u32>) {
        let mut engaged = self.engaged();
        let status = self.newest().0;
        *engaged = client.map(|client| (client, !status.is_some_and(|s| obeys(&s, client))));
    }

    fn engaged(&self) -> MutexGuard<'_, Option<(u32, bool)>> {
        self.engaged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the arm has said that it does not obey whoever engaged it.
    pub(super) fn is_lost(&self) -> bool {
        self.engaged().is_some_and(|(_, lost)| lost)
    }

    pub(super) fn event(&self) -> Option<String> {
        self.newest().1.clone()
    }

    pub(super) fn wait(&self, patience: Duration, until: impl Fn(&Status) -> bool) -> bool {
        let waiting =
            |newest: &mut (Option<Status>, Option<String>)| !newest.0.as_ref().is_some_and(&until);
        let newest = self
            .changed
            .wait_timeout_while(self.newest(), patience, waiting);
        !newest.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    pub(super) fn on_status(&self, bytes: &[u8]) {
        match wire::decode_status(bytes) {
            Ok(status) => {
                self.newest().0 = Some(status);
                if let Some((client, lost)) = &mut *self.engaged() {
                    *lost |= !obeys(&status, *client);
                }
            }
            Err(problem) => tracing::warn!(
                "a status of {} bytes cannot be used: {problem}; a status has {} bytes",
                bytes.len(),
                wire::STATUS_BYTES
            ),
        }
        self.changed.notify_all();
    }

    pub(super) fn on_event(&self, bytes: &[u8]) {
        match wire::decode_event(bytes) {
            Ok(event) => self.newest().1 = Some(event.what),
            Err(problem) => tracing::warn!("an event cannot be used: {problem}"),
        }
    }
}

/// Whether the arm obeys this client, or does what it asked for.
fn obeys(status: &Status, client: u32) -> bool {
    let phase = matches!(status.phase, Phase::Active | Phase::Holding | Phase::Homing);
    status.owner == client && phase
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_safety::DenialCounts;
    use apprentice_safety::gate::Stop;

    #[test]
    fn a_stop_is_not_undone_by_whoever_says_that_the_arm_is_active() {
        let reported = ReportedStatus::default();
        let says = |phase| {
            let status = Status {
                sequence: 1,
                stamp_ns: 0,
                phase,
                stop: Stop::None,
                stops: 0,
                owner: 7,
                accepted: 0,
                denials: DenialCounts::default(),
            };
            reported.on_status(&wire::encode_status(&status));
        };
        says(Phase::Active);
        reported.engage(Some(7));
        says(Phase::Homing);
        says(Phase::Active);
        assert!(!reported.is_lost());
        says(Phase::Stopped);
        says(Phase::Active);
        assert!(reported.is_lost());
        reported.engage(Some(7));
        assert!(!reported.is_lost(), "it is engaged anew");
        reported.engage(Some(8));
        assert!(reported.is_lost(), "it belongs to another");
    }
}
