//! What is written into an episode's tick once it has passed.

use crate::ActionOutcome;
use apprentice_episode::{DecidedBy, Tick};
use apprentice_safety::ControlAuthority;

/// Writes into `tick` what came of it: why commands were changed, who decided, and, where a person took over,
/// what they did and what the agent had `planned` from this tick on.
pub(crate) fn annotate<'a>(
    tick: &mut Tick,
    outcome: &ActionOutcome,
    planned: impl Iterator<Item = &'a [f32]>,
    interrupted: bool,
) {
    tick.guard_interventions = outcome.interventions.names().map(str::to_owned).collect();
    tick.decided_by = match outcome.authority {
        ControlAuthority::Human => DecidedBy::Human,
        ControlAuthority::Nobody => DecidedBy::Nobody,
        // The agent has the arm again but has not decided since.
        ControlAuthority::Policy if interrupted => DecidedBy::Nobody,
        ControlAuthority::Policy => DecidedBy::Agent,
    };
    if tick.decided_by == DecidedBy::Agent {
        return;
    }
    if !interrupted {
        tick.unexecuted = planned.map(<[f32]>::to_vec).collect();
    }
    // Where the person wants nothing the arm stays: its proprioception is in an action's numbers.
    let numbers = tick.action.len();
    let done = outcome.human.as_ref().unwrap_or(&tick.proprioception);
    if done.len() == numbers && done.iter().all(|v| v.is_finite()) {
        tick.action.clone_from(done);
    }
}
