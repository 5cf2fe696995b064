//! Who decides what the robot does next.

use crate::RuntimeError;
use crate::schedule::RunningChunk;
use apprentice_core::{Observation, Seed};
use apprentice_policy::{DiffusionPolicy, PolicyInput, Running};

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
    fn plan(&mut self, views: &[View<'_>]) -> Result<Vec<Vec<Decision>>, RuntimeError>;

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
    ) -> Result<Vec<Decision>, RuntimeError> {
        let _ = running;
        let chunk = self.plan(std::slice::from_ref(view))?;
        Ok(chunk.into_iter().next().unwrap_or_default())
    }
}

/// A diffusion policy as an agent.
#[derive(Debug)]
pub struct PolicyAgent {
    policy: DiffusionPolicy,
}

impl PolicyAgent {
    /// Lets `policy` decide.
    #[must_use]
    pub fn new(policy: DiffusionPolicy) -> Self {
        Self { policy }
    }
}

impl Agent for PolicyAgent {
    fn plan(&mut self, views: &[View<'_>]) -> Result<Vec<Vec<Decision>>, RuntimeError> {
        let inputs = self.inputs(views);
        let chunks = self.policy.denoise(&inputs, &seeds(views))?;
        Ok(chunks
            .iter()
            .map(|chunk| {
                let executed = self.policy.executed(chunk);
                executed.iter().cloned().map(Decision::from).collect()
            })
            .collect())
    }

    fn history(&self) -> usize {
        self.policy.config().observation_history
    }

    fn stride(&self) -> usize {
        self.policy.config().execute
    }

    fn plan_ahead(
        &mut self,
        view: &View<'_>,
        running: Option<&RunningChunk>,
    ) -> Result<Vec<Decision>, RuntimeError> {
        let views = std::slice::from_ref(view);
        let running = running.map(|r| Running {
            past: &[],
            frozen: &r.frozen,
            overlap: &r.overlap,
        });
        let chunks = self
            .policy
            .denoise_onto(&self.inputs(views), &seeds(views), &[running])?;
        // A chunk begins at the oldest observation; what lies in the past is over.
        let now = self.history().saturating_sub(1);
        let chunk = chunks.into_iter().next().unwrap_or_default();
        Ok(chunk.into_iter().skip(now).map(Decision::from).collect())
    }
}

/// The noise of each view's tick.
fn seeds(views: &[View<'_>]) -> Vec<Seed> {
    views
        .iter()
        .map(|view| view.seed.derive("denoising", view.tick))
        .collect()
}

impl PolicyAgent {
    /// What the policy is shown of each view.
    fn inputs<'v>(&self, views: &[View<'v>]) -> Vec<PolicyInput<'v>> {
        let history = self.policy.config().observation_history;
        views
            .iter()
            .map(|view| {
                // Before the first observation there was none: the first one is repeated.
                let newest = view.observations.len().saturating_sub(1);
                let moments =
                    (0..history).map(|i| (newest + i + 1).saturating_sub(history).min(newest));
                let seen = moments.clone().filter_map(|i| view.observations.get(i));
                PolicyInput {
                    images: seen
                        .map(|o| o.frames.iter().map(|f| &f.image).collect())
                        .collect(),
                    proprioception: moments
                        .filter_map(|i| view.proprioception.get(i))
                        .map(Vec::as_slice)
                        .collect(),
                }
            })
            .collect()
    }
}
