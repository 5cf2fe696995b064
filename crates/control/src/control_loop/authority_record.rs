//! Who had the arm since the last action, and what a person wanted.

use apprentice_safety::ControlAuthority;

/// Who decided since the last action.
pub(super) struct AuthorityRecord {
    pub authority: ControlAuthority,
    /// Whether a person wanted something, and what they wanted last.
    pub wanted: bool,
    pub human: Vec<f32>,
    /// What the person who has the arm wants now; empty to stay.
    pub now: Vec<f32>,
    /// The last answer, and for how long (ns, at least) no other could be had.
    pub heard: (ControlAuthority, u64),
}

impl Default for AuthorityRecord {
    fn default() -> Self {
        Self {
            authority: ControlAuthority::Policy,
            wanted: false,
            human: Vec::with_capacity(MOST_NUMBERS),
            now: Vec::with_capacity(MOST_NUMBERS),
            heard: (ControlAuthority::Nobody, 0),
        }
    }
}

impl AuthorityRecord {
    pub fn forget(&mut self) {
        self.authority = ControlAuthority::Policy;
        self.wanted = false;
    }

    /// The action that the person who has the arm wants now, in memory that has to be given back.
    pub fn take_wanted(&mut self) -> Vec<f32> {
        std::mem::take(&mut self.now)
    }

    pub fn return_wanted(&mut self, wanted: Vec<f32>) {
        self.now = wanted;
    }
}

/// Numbers of an action that memory is reserved for: messages have no more.
const MOST_NUMBERS: usize = 64;
