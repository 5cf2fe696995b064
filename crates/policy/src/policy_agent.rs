//! A policy as an agent: one who decides in the control loop.

use crate::{Policy, PolicyError};
use apprentice_control::{Agent, ControlError};
use apprentice_core::{ActionChunk, PolicyInput, PreviousChunk};

/// A policy as an agent.
#[derive(Debug)]
pub struct PolicyAgent {
    policy: Box<dyn Policy>,
}

impl PolicyAgent {
    /// Lets `policy` decide.
    #[must_use]
    pub fn new(policy: Box<dyn Policy>) -> Self {
        Self { policy }
    }
}

impl Agent for PolicyAgent {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        self.policy
            .plan(inputs, &vec![None; inputs.len()])
            .map_err(planning)
    }

    fn observation_history(&self) -> usize {
        self.policy.observation_history()
    }

    fn n_action_steps(&self) -> usize {
        self.policy.n_action_steps()
    }

    fn plan_ahead(
        &mut self,
        input: &PolicyInput<'_>,
        previous: Option<&PreviousChunk>,
    ) -> Result<ActionChunk, ControlError> {
        let chunks = self
            .policy
            .plan(std::slice::from_ref(input), &[previous])
            .map_err(planning)?;
        let chunk = chunks.into_iter().next();
        chunk.ok_or_else(|| ControlError::Agent {
            got: "no chunk".into(),
            expected: "one".into(),
        })
    }
}

fn planning(error: PolicyError) -> ControlError {
    ControlError::Planning(Box::new(error))
}
