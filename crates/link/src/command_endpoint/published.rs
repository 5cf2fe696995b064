//! What was published of an arm last.

use apprentice_safety::Phase;
use apprentice_safety::gate::State;

/// What was published last.
pub(super) struct Published {
    pub statuses: u64,
    pub events: u64,
    pub state: State,
    pub owner: Option<u32>,
    pub at_ns: Option<u64>,
    pub why: Option<String>,
}

impl Published {
    pub fn nothing() -> Self {
        Self {
            statuses: 0,
            events: 0,
            state: State::FREE,
            owner: None,
            at_ns: None,
            why: None,
        }
    }

    /// Why the arm has come to this phase.
    pub fn take_why(&mut self, phase: Phase) -> String {
        self.why.take().unwrap_or_else(|| match phase {
            Phase::Holding => "no command came for a while".into(),
            Phase::Stopped => "no command came for long; enable it to go on".into(),
            _ => "as asked".into(),
        })
    }
}
