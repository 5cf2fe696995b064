//! The agent's thread: it decides for whichever robot needs it most.

use super::bell::Bell;
use super::board::{AgentSide, Board};
use super::{Sight, Thinking};
use crate::schedule::{Blender, Blending, Planned};
use crate::{Agent, ControlError, View};
use apprentice_core::{Observation, Seed};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// What the agent knows of one robot.
struct Mind<'a> {
    side: AgentSide<'a, Sight, Arc<Planned>>,
    blender: Blender,
    /// The newest offers. Held on to until control has surely let go of each, so that they are freed here.
    offered: [Option<Arc<Planned>>; 3],
    /// Takeovers that are known of.
    epoch: u64,
}

/// Lets the agent decide for whichever robot needs it, until all are done. Answers how many decisions there
/// were and how long the slowest took, milliseconds.
pub(super) fn think(
    agent: &mut dyn Agent,
    boards: &[Board<Sight, Arc<Planned>>],
    seeds: &[Seed],
    thinking: Thinking,
    bell: &Bell,
) -> Result<(u64, f64), ControlError> {
    let latency = Duration::from_millis(thinking.latency_ms);
    let (mut decisions, mut slowest) = (0, Duration::ZERO);
    let mut minds: Vec<Mind<'_>> = boards.iter().map(|b| Mind::new(b, &thinking)).collect();
    while boards.iter().any(|b| !b.is_done()) {
        let needy = neediest(&mut minds, agent.stride());
        let needy = needy.and_then(|robot| Some((robot, minds.get_mut(robot)?, seeds.get(robot)?)));
        let Some((robot, mind, seed)) = needy else {
            bell.wait(Duration::from_millis(20));
            continue;
        };
        let begun = Instant::now();
        let Some(chunk) = mind.decide(agent, robot, *seed)? else {
            continue;
        };
        thread::sleep(latency.saturating_sub(begun.elapsed()));
        decisions += 1;
        slowest = slowest.max(begun.elapsed());
        mind.offer(chunk);
    }
    Ok((decisions, slowest.as_secs_f64() * 1e3))
}

/// The robot that will run out of actions first, if one should be decided for now.
fn neediest(minds: &mut [Mind<'_>], stride: usize) -> Option<usize> {
    let mut next = None;
    let mut least = usize::MAX;
    for (robot, mind) in minds.iter_mut().enumerate() {
        let done = mind.side.board().is_done();
        let Some((sight, _)) = mind.side.look().filter(|_| !done) else {
            continue;
        };
        // A decision is begun so that it comes when the stride has been carried out.
        let due = sight.used + sight.expected_delay >= stride as u64;
        if sight.wanted && sight.left < least && (due || sight.left == 0) {
            least = sight.left;
            next = Some(robot);
        }
    }
    next
}

impl<'a> Mind<'a> {
    fn new(board: &'a Board<Sight, Arc<Planned>>, thinking: &Thinking) -> Self {
        Self {
            side: AgentSide::new(board),
            blender: Blender::new(thinking.blending),
            offered: [const { None }; 3],
            epoch: 0,
        }
    }

    /// What the agent wants from now on; `None` where there is nothing to decide.
    fn decide(
        &mut self,
        agent: &mut dyn Agent,
        robot: usize,
        seed: Seed,
    ) -> Result<Option<Planned>, ControlError> {
        let Some((sight, epoch)) = self.side.look() else {
            return Ok(None);
        };
        if epoch != self.epoch {
            self.epoch = epoch;
            self.blender.clear();
        }
        // Copied here: this thread may take its time.
        let observations: Vec<Observation> =
            sight.seen.iter().map(|s| s.observation.clone()).collect();
        let felt: Vec<Vec<f32>> = sight.seen.iter().map(|s| s.felt.clone()).collect();
        let [newest, ..] = &self.offered;
        let running = newest.as_ref().filter(|chunk| {
            self.blender.blending == Blending::Inpaint && sight.running == Some(chunk.from)
        });
        let running =
            running.and_then(|c| c.running(sight.tick, sight.expected_delay, sight.past()));
        let view = View {
            robot,
            seed,
            tick: sight.tick,
            observations: &observations,
            proprioception: &felt,
        };
        let chunk = agent.plan_ahead(&view, running.as_ref())?;
        if chunk.is_empty() {
            return Err(ControlError::Agent {
                got: "no action".into(),
                expected: "one or more".into(),
            });
        }
        Ok(Some(self.blender.plan(view.tick, chunk)))
    }

    fn offer(&mut self, planned: Planned) {
        let planned = Arc::new(planned);
        self.offered.rotate_right(1);
        let [newest, ..] = &mut self.offered;
        *newest = Some(Arc::clone(&planned));
        if self.side.offer(planned).is_some() {
            tracing::warn!("a decision was replaced before it was carried out");
        }
    }
}
