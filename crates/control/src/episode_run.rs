//! An episode that is being run and recorded.

use crate::annotate::annotate;
use crate::chunk_check::recordable;
use crate::episode_origin::EpisodeOrigin;
use crate::{ControlError, ControlLoop, EpisodePlan};
use apprentice_core::{PolicyInput, PolicyObservation, Seed};
use apprentice_episode::{DecidedBy, EpisodeWriter, Tick};
use apprentice_robot::proprioception;
use std::sync::Arc;

/// An episode that is being run.
pub(crate) struct EpisodeRun {
    pub writer: EpisodeWriter,
    /// The newest observations, oldest first.
    pub observations: Vec<Arc<PolicyObservation>>,
    pub seed: Seed,
    pub origin: EpisodeOrigin,
}

/// What is executed at a tick, and what is recorded.
pub(crate) struct TickAction<'a> {
    pub execute: &'a [f32],
    pub record: &'a [f32],
}

impl EpisodeRun {
    /// Resets the robot and opens the episode's file.
    pub fn start(robot: &mut ControlLoop, plan: &EpisodePlan) -> Result<Self, ControlError> {
        let mut observation = robot.reset(plan.seed.0)?;
        let origin = EpisodeOrigin::of(&observation);
        origin.renumber(&mut observation);
        let writer = EpisodeWriter::create(&plan.path, &plan.meta)?;
        let proprioception = proprioception(robot.description(), &observation.state);
        Ok(Self {
            writer,
            observations: vec![Arc::new(PolicyObservation {
                observation,
                proprioception,
            })],
            seed: plan.seed,
            origin,
        })
    }

    /// What the agent is shown of it.
    pub fn input(&self, robot: usize, tick: u64) -> PolicyInput<'_> {
        PolicyInput {
            robot,
            seed: self.seed,
            tick,
            observations: &self.observations,
        }
    }

    /// Acts, records what was observed and decided, and keeps the newest observations. `later` are the actions
    /// planned for the ticks after this one. Answers what was recorded.
    pub fn step<'a>(
        &mut self,
        robot: &mut ControlLoop,
        index: u64,
        action: &TickAction<'a>,
        later: impl Iterator<Item = &'a [f32]>,
        due_ns: u64,
        keep: usize,
    ) -> Result<Option<Tick>, ControlError> {
        let Some(observed) = self.observations.last() else {
            return Ok(None);
        };
        recordable(action.record, robot.description().action_dim())?;
        let mut tick = Tick {
            index,
            stamp_ns: self
                .origin
                .monotonic_stamp(observed.observation.state.stamp_ns),
            observation: observed.observation.clone(),
            proprioception: observed.proprioception.clone(),
            action: action.record.to_vec(),
            guard_interventions: Vec::new(),
            decided_by: DecidedBy::Agent,
            unexecuted: Vec::new(),
        };
        let before = robot.is_interrupted();
        let outcome = robot.act(action.execute, due_ns)?;
        let planned = std::iter::once(action.record).chain(later);
        annotate(&mut tick, &outcome, planned, before);
        let mut next = outcome.observation;
        self.origin.renumber(&mut next);
        self.writer.tick(&tick)?;
        let proprioception = proprioception(robot.description(), &next.state);
        self.observations.push(Arc::new(PolicyObservation {
            observation: next,
            proprioception,
        }));
        let excess = self.observations.len().saturating_sub(keep.max(1));
        self.observations.drain(..excess);
        Ok(Some(tick))
    }
}
