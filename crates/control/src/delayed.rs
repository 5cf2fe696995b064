//! Robots in lockstep whose agent takes its time: what it decides counts some ticks later, and the robots
//! move meanwhile. The same seed gives the same episode however fast this computer is.

use crate::chunk_check::belongs;
use crate::episode_run::{EpisodeRun, TickAction};
use crate::schedule::Schedule;
use crate::{Agent, ChunkingConfig, ControlError, ControlLoop, RealTimeStats};
use apprentice_core::ActionChunk;
use apprentice_episode::Tick;
use std::sync::Arc;

/// A decision that is on its way.
struct Pending {
    arrives: u64,
    chunk: ActionChunk,
}

/// Runs the episodes of a group for `ticks` policy ticks, each decision as late as `chunking` says, rounded up
/// to whole ticks.
///
/// # Errors
/// As [`crate::record_episodes`].
pub(crate) fn run(
    robots: &mut [ControlLoop],
    agent: &mut dyn Agent,
    running: &mut [EpisodeRun],
    ticks: u64,
    chunking: ChunkingConfig,
    watch: &(dyn Fn(usize, &Tick) + Sync),
) -> Result<RealTimeStats, ControlError> {
    let mut stats = RealTimeStats::default();
    for (place, (robot, episode)) in robots.iter_mut().zip(running).enumerate() {
        let of_robot = one(robot, agent, episode, ticks, chunking, place, watch)?;
        stats.add(of_robot);
    }
    Ok(stats)
}

fn one(
    robot: &mut ControlLoop,
    agent: &mut dyn Agent,
    episode: &mut EpisodeRun,
    ticks: u64,
    chunking: ChunkingConfig,
    place: usize,
    watch: &(dyn Fn(usize, &Tick) + Sync),
) -> Result<RealTimeStats, ControlError> {
    let latency_ns = chunking.latency_ms.saturating_mul(1_000_000);
    let delay = latency_ns.div_ceil(robot.action_ns().max(1));
    let (keep, steps) = (agent.observation_history(), agent.n_action_steps() as u64);
    let mut schedule = Schedule::new(chunking.blending);
    let mut pending: Option<Pending> = None;
    let mut stats = RealTimeStats::default();
    for tick in 0..ticks {
        let expected = schedule.expected_delay();
        let due = schedule.remaining(tick) == 0 || schedule.age(tick) + expected >= steps;
        if pending.is_none() && due && !robot.is_interrupted() {
            let input = episode.input(place, tick);
            let chunk = agent.plan_ahead(&input, schedule.previous(tick).as_ref())?;
            belongs(&chunk, robot.description(), &input)?;
            stats.decisions += 1;
            pending = Some(Pending {
                // Nothing moves before the first decision.
                arrives: if tick == 0 { 0 } else { tick + delay },
                chunk,
            });
        }
        if let Some(arrived) = pending.take_if(|p| p.arrives <= tick) {
            schedule.offer(tick, arrived.chunk);
        }
        let planned = schedule.due(tick);
        // Nothing reaches this tick: the robot stays, as if told to.
        let stay = episode.observations.last().map(Arc::clone);
        let (execute, record) = match (planned.as_ref().and_then(|p| p.at(tick)), &stay) {
            (Some(action), _) => action,
            (None, Some(stay)) => (&stay.proprioception[..], &stay.proprioception[..]),
            (None, None) => continue,
        };
        let action = TickAction { execute, record };
        let later = planned.iter().flat_map(|p| p.recorded_from(tick + 1));
        let done = episode.step(robot, tick, &action, later, robot.now_ns(), keep)?;
        if let Some(done) = done {
            watch(place, &done);
        }
        if robot.is_interrupted() {
            schedule.clear();
            pending = None;
            robot.rearm();
        }
    }
    stats.starved = schedule.starved();
    stats.largest_jump = schedule.largest_jump();
    stats.slowest_ms = chunking.latency_ms as f64;
    Ok(stats)
}
