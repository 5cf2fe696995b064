//! Where a joint can be, and how fast it can be seen to move.

/// For no longer a silence is a joint granted to have moved, s: whoever contradicts an arm that has fallen
/// silent does not become more credible with time.
pub(super) const LONGEST_GAP_S: f64 = 0.2;

/// Where a joint can be and how fast it can move there; rad or its unit, a second.
pub(super) struct JointEnvelope {
    pub name: String,
    pub unit: String,
    pub low: f64,
    pub high: f64,
    pub margin: f64,
    pub speed: f64,
}
