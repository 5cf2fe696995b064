//! The agent's thread: it decides for whichever robot needs it most.

use super::board::{AgentSide, Board};
use super::snapshot::RobotSnapshot;
use super::wake_flag::WakeFlag;
use crate::chunk_check::belongs;
use crate::chunking::Blending;
use crate::schedule::{ChunkBlender, ScheduledChunk};
use crate::{Agent, ChunkingConfig, ControlError};
use apprentice_core::{PolicyInput, Seed};
use apprentice_robot::RobotDescription;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// Decides for one robot.
struct RobotPlanner<'a> {
    description: &'a RobotDescription,
    side: AgentSide<'a, RobotSnapshot, Arc<ScheduledChunk>>,
    blender: ChunkBlender,
    /// The newest offers. Held on to until control has surely let go of each, so that they are freed here.
    offered: [Option<Arc<ScheduledChunk>>; 3],
    /// Takeovers that are known of.
    epoch: u64,
}

/// Lets the agent decide for whichever robot needs it, until all are done or the agent is, which it says by `finished`.
/// Answers how many decisions there were and how long the slowest took, milliseconds.
pub(super) fn decide_until_done(
    agent: &mut dyn Agent,
    boards: &[Board<RobotSnapshot, Arc<ScheduledChunk>>],
    (seeds, descriptions): (&[Seed], &[RobotDescription]),
    chunking: ChunkingConfig,
    (news, finished): (&WakeFlag, &AtomicBool),
) -> Result<(u64, f64), ControlError> {
    let latency = Duration::from_millis(chunking.latency_ms);
    let (mut decisions, mut slowest) = (0, Duration::ZERO);
    let mut planners: Vec<RobotPlanner<'_>> = boards
        .iter()
        .zip(descriptions)
        .map(|(board, description)| RobotPlanner::new(board, &chunking, description))
        .collect();
    while boards.iter().any(|b| !b.is_done()) {
        if finished.load(Relaxed) {
            news.wait(Duration::from_millis(20));
            continue;
        }
        let next = neediest(&mut planners, agent.n_action_steps());
        let next =
            next.and_then(|robot| Some((robot, planners.get_mut(robot)?, seeds.get(robot)?)));
        let Some((robot, planner, seed)) = next else {
            news.wait(Duration::from_millis(20));
            continue;
        };
        let begun = Instant::now();
        let Some(chunk) = planner.decide(agent, robot, *seed)? else {
            continue;
        };
        thread::sleep(latency.saturating_sub(begun.elapsed()));
        decisions += 1;
        slowest = slowest.max(begun.elapsed());
        planner.offer(chunk);
        finished.store(agent.is_done(), Relaxed);
    }
    Ok((decisions, slowest.as_secs_f64() * 1e3))
}

/// The robot that will run out of actions first, if one should be decided for now.
fn neediest(planners: &mut [RobotPlanner<'_>], n_action_steps: usize) -> Option<usize> {
    let mut next = None;
    let mut least = usize::MAX;
    for (robot, planner) in planners.iter_mut().enumerate() {
        let done = planner.side.board().is_done();
        let Some((snapshot, _)) = planner.side.look().filter(|_| !done) else {
            continue;
        };
        // A decision is begun so that it comes when the action steps have been executed.
        let due = snapshot.age + snapshot.expected_delay >= n_action_steps as u64;
        if snapshot.wanted && snapshot.remaining < least && (due || snapshot.remaining == 0) {
            least = snapshot.remaining;
            next = Some(robot);
        }
    }
    next
}

impl<'a> RobotPlanner<'a> {
    fn new(
        board: &'a Board<RobotSnapshot, Arc<ScheduledChunk>>,
        chunking: &ChunkingConfig,
        description: &'a RobotDescription,
    ) -> Self {
        Self {
            description,
            side: AgentSide::new(board),
            blender: ChunkBlender::new(chunking.blending),
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
    ) -> Result<Option<ScheduledChunk>, ControlError> {
        let Some((snapshot, epoch)) = self.side.look() else {
            return Ok(None);
        };
        if epoch != self.epoch {
            self.epoch = epoch;
            self.blender.clear();
        }
        let [newest, ..] = &self.offered;
        let executing = newest.as_ref().filter(|chunk| {
            self.blender.blending == Blending::Inpaint && snapshot.executing == Some(chunk.from())
        });
        let previous = executing
            .and_then(|c| c.previous(snapshot.tick, snapshot.expected_delay, snapshot.past()));
        let input = PolicyInput {
            robot,
            seed,
            tick: snapshot.tick,
            observations: &snapshot.observations,
        };
        let chunk = agent.plan_ahead(&input, previous.as_ref())?;
        belongs(&chunk, self.description, &input)?;
        Ok(Some(self.blender.plan(chunk)))
    }

    fn offer(&mut self, planned: ScheduledChunk) {
        let planned = Arc::new(planned);
        self.offered.rotate_right(1);
        let [newest, ..] = &mut self.offered;
        *newest = Some(Arc::clone(&planned));
        if self.side.offer(planned).is_some() {
            tracing::warn!("a decision was replaced before it was executed");
        }
    }
}
