//! What the agent is shown of a robot.

use crate::schedule::PAST;
use apprentice_core::PolicyObservation;
use std::sync::Arc;

/// A robot before a policy tick. Filled anew again and again, in the memory it has.
#[derive(Default)]
pub(super) struct RobotSnapshot {
    pub tick: u64,
    /// Whether the agent may decide: the policy has the arm.
    pub wanted: bool,
    /// Actions that remain, and ticks since they were decided.
    pub remaining: usize,
    pub age: u64,
    /// Policy ticks the next decision is expected to take.
    pub expected_delay: u64,
    /// The first tick of the chunk that is executed.
    pub executing: Option<u64>,
    /// What was executed before, in as much of the memory as is used.
    past: Vec<Vec<f32>>,
    past_count: usize,
    /// Oldest first.
    pub observations: Vec<Arc<PolicyObservation>>,
}

impl RobotSnapshot {
    pub fn remember<'a>(&mut self, past: impl Iterator<Item = &'a Vec<f32>>) {
        self.past.resize_with(PAST, Vec::new);
        self.past_count = 0;
        for (slot, action) in self.past.iter_mut().zip(past) {
            slot.clone_from(action);
            self.past_count += 1;
        }
    }

    pub fn past(&self) -> &[Vec<f32>] {
        self.past.get(..self.past_count).unwrap_or_default()
    }
}
