//! A diffusion policy as an agent.

use apprentice_control::{Agent, ControlError, Decision, RunningChunk, View};
use apprentice_core::Seed;
use apprentice_policy::{DiffusionPolicy, PolicyError, PolicyInput, Running};

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
    fn plan(&mut self, views: &[View<'_>]) -> Result<Vec<Vec<Decision>>, ControlError> {
        let inputs = self.inputs(views);
        let chunks = self
            .policy
            .denoise(&inputs, &seeds(views))
            .map_err(thought)?;
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
    ) -> Result<Vec<Decision>, ControlError> {
        let views = std::slice::from_ref(view);
        let before = self.history().saturating_sub(1);
        let running = running.map(|r| Running {
            past: r
                .past
                .get(r.past.len().saturating_sub(before)..)
                .unwrap_or_default(),
            frozen: &r.frozen,
            overlap: &r.overlap,
        });
        let chunks = self
            .policy
            .denoise_onto(&self.inputs(views), &seeds(views), &[running])
            .map_err(thought)?;
        // A chunk begins at the oldest observation; what lies in the past is over.
        let chunk = chunks.into_iter().next().unwrap_or_default();
        Ok(chunk.into_iter().skip(before).map(Decision::from).collect())
    }
}

fn thought(error: PolicyError) -> ControlError {
    ControlError::Thought(Box::new(error))
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
