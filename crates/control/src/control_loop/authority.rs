//! Who decides: the agent, or a person who has taken over.

use super::commanding::Path;
use super::{Acted, ControlLoop};
use crate::ControlError;
use apprentice_core::Observation;
use apprentice_link::TakeoverInbox;
use apprentice_safety::Authority;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

impl ControlLoop {
    /// Lets people take over by the devices this inbox listens to.
    pub fn listen_to(&mut self, takeover: TakeoverInbox) {
        self.takeover = Some(takeover);
    }

    /// Ends every wait for people once `stop` is set.
    pub fn end_when(&mut self, stop: Arc<AtomicBool>) {
        self.stop = stop;
    }

    /// Waits while nobody has the arm, since a person let go of it and has not handed it back: at rest, and
    /// commanded. Answers what the robot sees then, or `None` where there was nothing to wait for.
    pub(super) fn wait_for_somebody(&mut self) -> Result<Option<Observation>, ControlError> {
        if !self.wait_while(|authority| authority == Authority::Nobody)? {
            return Ok(None);
        }
        self.command_authorised(None, &mut Path::default())?;
        self.wait(true).map(Some)
    }

    /// Waits while the arm is not the policy's; a person who has it is obeyed meanwhile.
    pub(super) fn wait_for_policy(&mut self) -> Result<(), ControlError> {
        self.wait_while(|authority| authority != Authority::Policy)
            .map(|_| ())
    }

    /// Waits while others have the arm; whether they had.
    fn wait_while(&mut self, others: impl Fn(Authority) -> bool) -> Result<bool, ControlError> {
        let (mut waited, mut said) = (false, false);
        loop {
            let authority = self.authority().0;
            if !others(authority) {
                return Ok(waited);
            }
            if self.stop.load(Relaxed) {
                // Whatever the robot still hears must not leave it moving.
                self.halt()?;
                return Err(ControlError::Stopped);
            }
            if authority == Authority::Nobody && !std::mem::replace(&mut said, true) {
                tracing::warn!(
                    "nobody has the arm since a person let go of it; hand it back on the device, or stop the run"
                );
            }
            self.command_authorised(None, &mut Path::default())?;
            self.wait(false)?;
            waited = true;
        }
    }

    /// The agent decides anew: what it decides from now on counts, if the policy has the arm now. Whoever
    /// has it while the agent thinks voids that.
    pub(crate) fn rearm(&mut self) {
        let takeover = self.takeover.as_ref();
        self.takeovers = takeover.map_or(0, |t| t.counts().0);
        let authority = takeover.map_or(Authority::Policy, |t| t.decide().0);
        self.interrupted = authority != Authority::Policy;
    }

    /// Whether a person or nobody has had the arm since the agent decided.
    #[must_use]
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Who decides now; remembers it for the episode.
    pub(super) fn authority(&mut self) -> (Authority, Vec<f32>) {
        let Some(takeover) = &self.takeover else {
            return (Authority::Policy, Vec::new());
        };
        let (authority, action) = takeover.decide();
        let takeovers = takeover.counts().0;
        let unseen = std::mem::replace(&mut self.takeovers, takeovers) != takeovers;
        match authority {
            Authority::Human => {
                self.decided.0 = Authority::Human;
                if !action.is_empty() {
                    self.decided.1 = Some(action.clone());
                }
            }
            Authority::Policy if !unseen => {}
            _ if self.decided.0 == Authority::Policy => self.decided.0 = Authority::Nobody,
            _ => {}
        }
        self.interrupted |= unseen || authority != Authority::Policy;
        (authority, action)
    }

    /// What there is to say since the last action.
    pub(crate) fn acted(&mut self, observation: Observation) -> Acted {
        let (authority, human) = std::mem::replace(&mut self.decided, (Authority::Policy, None));
        Acted {
            observation,
            refusals: std::mem::take(&mut self.refusals),
            authority,
            human,
        }
    }
}
