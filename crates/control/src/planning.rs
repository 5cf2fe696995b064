//! An agent plans, and the arms it will move are commanded meanwhile.

use crate::plan_ready::PlanReady;
use crate::{Agent, ControlError, ControlLoop};
use apprentice_core::{ActionChunk, PolicyInput};
use std::thread;

/// Lets the others go on whatever ends the agent's planning, a panic included.
struct TellsOnDrop<'a>(&'a PlanReady);

impl Drop for TellsOnDrop<'_> {
    fn drop(&mut self) {
        self.0.tell();
    }
}

/// Asks the agent about `inputs`, the first robots'. Time does not stand still for robots in real time:
/// each is commanded by a thread of its own until there is an answer.
pub(crate) fn plan(
    robots: &mut [ControlLoop],
    agent: &mut dyn Agent,
    inputs: &[PolicyInput<'_>],
) -> Result<Vec<ActionChunk>, ControlError> {
    if robots.iter().all(ControlLoop::is_lockstep) {
        return agent.plan(inputs);
    }
    let ready = &PlanReady::default();
    thread::scope(|scope| {
        let tells = TellsOnDrop(ready);
        let waiting = robots
            .iter_mut()
            .take(inputs.len())
            .enumerate()
            .filter(|(_, robot)| !robot.is_lockstep())
            .map(|(i, robot)| {
                thread::Builder::new()
                    .name(format!("robot-{i}"))
                    .spawn_scoped(scope, move || robot.hold_until(ready))
                    .map(|thread| (i, thread))
                    .map_err(|_| ControlError::Thread(i))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let chunks = agent.plan(inputs);
        drop(tells);
        for (i, thread) in waiting {
            thread.join().map_err(|_| ControlError::Thread(i))??;
        }
        chunks
    })
}
