//! Who decides what the robot does next.

use crate::ControlError;
use crate::schedule::RunningChunk;
use apprentice_core::{Observation, Seed};

/// What an agent knows of one robot when it is asked: pictures and proprioception, nothing else.
#[derive(Debug)]
pub struct View<'a> {
    /// Which robot of the session.
    pub robot: usize,
    /// Seed of the episode.
    pub seed: Seed,
    /// Policy ticks since the episode began.
    pub tick: u64,
    /// Observations so far, oldest first, the newest last.
    pub observations: &'a [Observation],
    /// Proprioception of each observation.
    pub proprioception: &'a [Vec<f32>],
}

/// One tick's decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The action to carry out.
    pub execute: Vec<f32>,
    /// The action to record. A demonstrator that disturbs itself on purpose records what it would
    /// have done undisturbed.
    pub record: Vec<f32>,
}

impl From<Vec<f32>> for Decision {
    fn from(action: Vec<f32>) -> Self {
        Self {
            record: action.clone(),
            execute: action,
        }
    }
}

/// Decides for several robots at once.
pub trait Agent {
    /// For each view, what to do before the agent is asked again. All answers must have the same,
    /// non-zero, number of decisions.
    ///
    /// # Errors
    /// When the agent cannot decide; the session stops and keeps what was recorded.
    fn plan(&mut self, views: &[View<'_>]) -> Result<Vec<Vec<Decision>>, ControlError>;

    /// Observations of the past that the agent looks at.
    fn history(&self) -> usize;

    /// Decisions that are carried out before the agent is asked again, where nothing else decides that. One
    /// for an agent whose decisions are about now only, such as a person's.
    fn stride(&self) -> usize {
        1
    }

    /// Everything the agent can say about what to do from the tick of `view` on, while `running` is carried
    /// out: for robots that move while it thinks.
    ///
    /// # Errors
    /// As [`Agent::plan`].
    fn plan_ahead(
        &mut self,
        view: &View<'_>,
        running: Option<&RunningChunk>,
    ) -> Result<Vec<Decision>, ControlError> {
        let _ = running;
        let chunk = self.plan(std::slice::from_ref(view))?;
        Ok(chunk.into_iter().next().unwrap_or_default())
    }
}
