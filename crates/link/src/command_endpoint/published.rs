//! What was published of an arm last.

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
