//! What a guard did, in numbers.

use apprentice_safety::{InterventionCounts, Interventions};

/// What the guard did, and what an independent checker says of the commands that left it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuardTotals {
    /// Commands sent to the robot.
    pub commands: u64,
    /// Commands the guard had to change.
    pub interventions: u64,
    /// Those of them it only slowed to what the joints' velocity and acceleration allow. A target that
    /// comes in steps, as a policy's does, cannot be followed otherwise.
    pub shaped: u64,
    /// Commands changed for each reason; a command may have several.
    pub reasons: InterventionCounts,
    /// Commands outside the limits, as the checker found them.
    pub violations: u64,
}

impl GuardTotals {
    /// Counts a command that was sent.
    pub(crate) fn count(&mut self, interventions: Interventions) {
        self.commands += 1;
        self.interventions += u64::from(!interventions.is_empty());
        self.shaped += u64::from(interventions.only_rate_limits());
        self.reasons.count(interventions);
    }
}

impl std::ops::AddAssign for GuardTotals {
    fn add_assign(&mut self, other: Self) {
        self.commands += other.commands;
        self.interventions += other.interventions;
        self.shaped += other.shaped;
        self.reasons += other.reasons;
        self.violations += other.violations;
    }
}
