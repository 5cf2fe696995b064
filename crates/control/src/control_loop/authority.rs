//! Who decides: the agent, or a person who has taken over.

use super::{Acted, ControlLoop};
use apprentice_core::Observation;
use apprentice_link::TakeoverInbox;
use apprentice_safety::Authority;

impl ControlLoop {
    /// Lets people take over by the devices this inbox listens to.
    pub fn listen_to(&mut self, takeover: TakeoverInbox) {
        self.takeover = Some(takeover);
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
