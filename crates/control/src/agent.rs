//! Who decides what the robot does next.

use crate::ControlError;
use apprentice_core::{ActionChunk, PolicyInput, PreviousChunk};

/// Decides for several robots at once.
pub trait Agent {
    /// For each input, what to do from its tick on ([`ActionChunk::observed`] is [`PolicyInput::stamp`]). All
    /// chunks must have the same, non-zero, [`ActionChunk::n_action_steps`]: so many actions are executed before
    /// the agent is asked again.
    ///
    /// # Errors
    /// When the agent cannot decide; the session stops and keeps what was recorded.
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError>;

    /// Observations of the past that the agent looks at, the newest included.
    fn observation_history(&self) -> usize;

    /// Actions of a chunk that are executed before the agent is asked again, where nothing else decides that. One
    /// for an agent whose decisions are about now only, such as a person's.
    fn n_action_steps(&self) -> usize {
        1
    }

    /// Whether the episode is over for the agent before its ticks are up, as a person ends one; asked after every
    /// action of an agent whose decisions are about now only, and after every decision where robots move meanwhile.
    fn is_done(&self) -> bool {
        false
    }

    /// Everything the agent can say about what to do from the tick of `input` on, while `previous` is executed: for
    /// robots that move while it computes.
    ///
    /// # Errors
    /// As [`Agent::plan`].
    fn plan_ahead(
        &mut self,
        input: &PolicyInput<'_>,
        previous: Option<&PreviousChunk>,
    ) -> Result<ActionChunk, ControlError> {
        let _ = previous;
        let chunks = self.plan(std::slice::from_ref(input))?;
        chunks
            .into_iter()
            .next()
            .ok_or_else(|| ControlError::Agent {
                got: "no chunk".into(),
                expected: "one".into(),
            })
    }
}
