//! Who decides: the agent, or a person who has taken over.

use super::{ActionOutcome, ControlLoop};
use crate::ControlError;
use apprentice_core::Observation;
use apprentice_link::TakeoverInbox;
use apprentice_safety::ControlAuthority;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A message is heard within less time than so many tries take, some microseconds.
const TRIES: u32 = 200;

/// Whoever hears devices may be put to sleep in the middle of a message, and is not waited for. So long the last
/// answer does, ns; then nobody has the arm.
const MOST_UNHEARD_NS: u64 = 20_000_000;

impl ControlLoop {
    /// Lets people take over by the devices this inbox listens to.
    pub fn listen_to(&mut self, takeover: TakeoverInbox) {
        self.takeover = Some(takeover);
    }

    /// Ends every wait for people once `stop` is set.
    pub fn end_when(&mut self, stop: Arc<AtomicBool>) {
        self.stop = stop;
    }

    /// Brakes a robot in real time once `brake` is set, and ends the episode that is under way: it is not recorded.
    pub fn brake_when(&mut self, brake: Arc<AtomicBool>) {
        self.brake = brake;
    }

    /// Whether it was asked to brake; in lockstep nothing moves unless it is asked to.
    pub(crate) fn is_to_brake(&self) -> bool {
        !self.is_lockstep() && self.brake.load(Relaxed)
    }

    /// Waits while nobody has the arm, since a person let go of it and has not handed it back: at rest, and
    /// commanded. Answers what the robot sees then, or `None` where there was nothing to wait for.
    pub(super) fn wait_for_somebody(&mut self) -> Result<Option<Observation>, ControlError> {
        if !self.wait_while(|authority| authority == ControlAuthority::Nobody)? {
            return Ok(None);
        }
        self.command_authorised(None)?;
        self.wait_for_frames().map(Some)
    }

    /// Waits while the arm is not the policy's; a person who has it is obeyed meanwhile.
    pub(super) fn wait_for_policy(&mut self) -> Result<(), ControlError> {
        self.wait_while(|authority| authority != ControlAuthority::Policy)
            .map(|_| ())
    }

    /// Waits while others have the arm; whether they had.
    fn wait_while(
        &mut self,
        others: impl Fn(ControlAuthority) -> bool,
    ) -> Result<bool, ControlError> {
        let (mut waited, mut said) = (false, false);
        loop {
            let authority = self.authority();
            if !others(authority) {
                return Ok(waited);
            }
            if self.stop.load(Relaxed) {
                // Whatever the robot still hears must not leave it moving.
                self.halt()?;
                return Err(ControlError::Stopped);
            }
            if authority == ControlAuthority::Nobody && !std::mem::replace(&mut said, true) {
                tracing::warn!(
                    "nobody has the arm since a person let go of it; hand it back on the device, or stop the run"
                );
            }
            self.command_authorised(None)?;
            self.wait()?;
            waited = true;
        }
    }

    /// The agent decides anew: what it decides from now on counts, if the policy has the arm now. Whoever
    /// has it while the agent plans voids that.
    pub(crate) fn rearm(&mut self) {
        while !self.try_rearm() {
            std::thread::yield_now();
        }
    }

    /// As [`Self::rearm`], without waiting: `false`, with nothing changed, where a device is being heard just
    /// now.
    pub(crate) fn try_rearm(&mut self) -> bool {
        let (authority, takeovers) = match &self.takeover {
            None => (ControlAuthority::Policy, 0),
            Some(takeover) => match takeover.try_decide(&mut self.authority_record.now) {
                None => return false,
                Some(heard) => heard,
            },
        };
        self.authority_record.heard = (authority, 0);
        self.takeovers = takeovers;
        self.interrupted = authority != ControlAuthority::Policy;
        true
    }

    /// Whether a person or nobody has had the arm since the agent decided.
    #[must_use]
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Who decides now; remembers it for the episode. In real time it never waits for whoever hears the devices:
    /// should they have been put to sleep in the middle of a message, the last answer does for a tick.
    pub(super) fn authority(&mut self) -> ControlAuthority {
        let Some(takeover) = &self.takeover else {
            return ControlAuthority::Policy;
        };
        let record = &mut self.authority_record;
        let lockstep = self.link.is_lockstep();
        let mut tries = 0;
        let heard = loop {
            let heard = takeover.try_decide(&mut record.now);
            if heard.is_some() || (tries == TRIES && !lockstep) {
                break heard;
            }
            if tries < TRIES {
                tries += 1;
                std::hint::spin_loop();
            } else {
                // Time stands still meanwhile.
                std::thread::yield_now();
            }
        };
        let (authority, takeovers) = match heard {
            Some((authority, takeovers)) => {
                record.heard = (authority, 0);
                (authority, takeovers)
            }
            None => {
                let (last, unheard_ns) = &mut record.heard;
                *unheard_ns = unheard_ns.saturating_add(self.pace.period_ns());
                let believed = *unheard_ns <= MOST_UNHEARD_NS.max(self.pace.period_ns());
                let authority = if believed {
                    *last
                } else {
                    ControlAuthority::Nobody
                };
                (authority, self.takeovers)
            }
        };
        let taken_over = std::mem::replace(&mut self.takeovers, takeovers) != takeovers;
        match authority {
            ControlAuthority::Human => {
                record.authority = ControlAuthority::Human;
                if !record.now.is_empty() {
                    record.wanted = true;
                    record.human.clone_from(&record.now);
                }
            }
            ControlAuthority::Policy if !taken_over => {}
            _ if record.authority == ControlAuthority::Policy => {
                record.authority = ControlAuthority::Nobody
            }
            _ => {}
        }
        self.interrupted |= taken_over || authority != ControlAuthority::Policy;
        authority
    }

    /// What there is to say since the last action.
    pub(crate) fn outcome(&mut self, observation: Observation) -> ActionOutcome {
        let record = &mut self.authority_record;
        let authority = record.authority;
        let human = record.wanted.then(|| record.human.clone());
        record.forget();
        ActionOutcome {
            observation,
            interventions: std::mem::take(&mut self.interventions),
            authority,
            human,
        }
    }
}
