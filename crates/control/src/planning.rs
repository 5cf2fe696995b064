//! An agent thinks, and the arms it will move are not left alone meanwhile.

use crate::{Agent, ControlError, ControlLoop, Decision, View};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Whether the agent has decided.
#[derive(Default)]
pub(crate) struct Decided {
    yes: Mutex<bool>,
    changed: Condvar,
}

impl Decided {
    fn tell(&self) {
        *self.yes.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Whether it has, at the latest after `patience`.
    pub fn wait(&self, patience: Duration) -> bool {
        let yes = self.yes.lock().unwrap_or_else(PoisonError::into_inner);
        *self
            .changed
            .wait_timeout_while(yes, patience, |yes| !*yes)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}

/// Lets the others go on whatever ends the agent's thinking, a panic included.
struct Tells<'a>(&'a Decided);

impl Drop for Tells<'_> {
    fn drop(&mut self) {
        self.0.tell();
    }
}

/// Asks the agent about `views`, the first robots'. Time does not stand still for robots in real time:
/// each is commanded by a thread of its own until there is an answer.
pub(crate) fn plan(
    robots: &mut [ControlLoop],
    agent: &mut dyn Agent,
    views: &[View<'_>],
) -> Result<Vec<Vec<Decision>>, ControlError> {
    if robots.iter().all(ControlLoop::is_lockstep) {
        return agent.plan(views);
    }
    let decided = &Decided::default();
    thread::scope(|scope| {
        let tells = Tells(decided);
        let waiting = robots
            .iter_mut()
            .take(views.len())
            .enumerate()
            .filter(|(_, robot)| !robot.is_lockstep())
            .map(|(i, robot)| {
                thread::Builder::new()
                    .name(format!("robot-{i}"))
                    .spawn_scoped(scope, move || robot.hold_until(decided))
                    .map(|thread| (i, thread))
                    .map_err(|_| ControlError::Thread(i))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let chunks = agent.plan(views);
        drop(tells);
        for (i, thread) in waiting {
            thread.join().map_err(|_| ControlError::Thread(i))??;
        }
        chunks
    })
}
