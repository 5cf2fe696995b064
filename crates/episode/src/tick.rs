//! One policy tick as it is recorded.

use apprentice_core::Observation;

/// What was seen and what was asked for at one policy tick.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Counts up from 0 by one a tick.
    pub index: u64,
    /// Robot clock, nanoseconds; never decreases.
    pub stamp_ns: u64,
    /// The joints and one frame a camera, in the order of [`crate::EpisodeMeta::cameras`].
    pub observation: Observation,
    /// The numbers the policy sees beside the pictures; the same length every tick.
    pub proprioception: Vec<f32>,
    /// The action as the policy gave it, [`crate::EpisodeMeta::action_dim`] numbers.
    pub action: Vec<f32>,
    /// Names of the guard's rules that intervened: changed this action or held the arm; empty when it passed.
    /// Stored as `guard_refusals`.
    pub guard_interventions: Vec<String>,
    /// Who decided what was done; where it was not the policy, `action` is the person's, or that the arm
    /// stays where it is.
    pub decided_by: DecidedBy,
    /// What the policy had planned from this tick on and a takeover kept from being done, each
    /// [`crate::EpisodeMeta::action_dim`] numbers; empty except at the tick of a takeover.
    pub unexecuted: Vec<Vec<f32>>,
}

/// Who decided at a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DecidedBy {
    /// The episode's source: policy, expert or demonstrator.
    #[default]
    Agent,
    /// A person who had taken over.
    Human,
    /// Nobody: the arm stayed where it was.
    Nobody,
}
