//! Running an agent on one or more robots, and recording what happens.

use crate::chunk_check::belongs;
use crate::episode_run::{EpisodeRun, TickAction};
use crate::{
    Agent, ChunkingConfig, ControlError, ControlLoop, EpisodePlan, RealTimeStats, RecordedEpisode,
    delayed, live, planning,
};
use apprentice_core::{ActionChunk, PolicyInput};
use apprentice_episode::{EpisodeEntry, Tick};

/// Runs `plans` for `ticks` policy ticks each, as many at a time as there are robots, and calls
/// `finished` after each episode. The robots of a group act at the same time and are asked about
/// together. `watch` is told of every tick of every robot, on a thread of that robot's: it must not wait.
///
/// Robots in real time move while an agent that plans ahead computes, as `chunking` says, and are at rest when
/// this returns, for whatever reason it does. Answers what that was like; nothing to say of others.
///
/// # Errors
/// The first error of link, agent or recorder, or when `finished` answers `false`; episodes already
/// finished stay.
pub fn record_episodes(
    robots: &mut [ControlLoop],
    agent: &mut dyn Agent,
    plans: &[EpisodePlan],
    ticks: u64,
    chunking: ChunkingConfig,
    watch: &(dyn Fn(usize, &Tick) + Sync),
    mut finished: impl FnMut(&RecordedEpisode) -> bool,
) -> Result<RealTimeStats, ControlError> {
    let width = robots.len().max(1);
    let ahead = agent.n_action_steps() > 1 && !robots.iter().any(ControlLoop::is_lockstep);
    let mut figures = RealTimeStats::default();
    for (group, plans_of_group) in plans.chunks(width).enumerate() {
        let mut running = match each(robots, plans_of_group, EpisodeRun::start) {
            Ok(running) => running,
            Err(error) => {
                // Those that were ready, too, are at rest and given back.
                if let Err(also) = each(robots, plans_of_group, |robot, _| robot.release()) {
                    tracing::warn!("a robot could not be told to stop: {also}");
                }
                return Err(error);
            }
        };
        let ran = if ahead {
            live::run(robots, agent, running, ticks, chunking, watch).map(|(entries, of_group)| {
                figures.add(of_group);
                entries
            })
        } else if chunking.latency_ms > 0 && agent.n_action_steps() > 1 {
            delayed::run(robots, agent, &mut running, ticks, chunking, watch).and_then(|of_group| {
                figures.add(of_group);
                finish(running)
            })
        } else {
            run(robots, agent, &mut running, ticks, watch).and_then(|()| finish(running))
        };
        let halted = each(robots, plans_of_group, |robot, _| robot.release());
        if let (Err(_), Err(also)) = (&ran, &halted)
            && !also.is_control_lost()
        {
            tracing::warn!("a robot could not be told to stop: {also}");
        }
        let entries = ran?;
        halted?;
        for (robot, entry) in entries.into_iter().enumerate() {
            if !finished(&RecordedEpisode {
                plan: group * width + robot,
                robot,
                entry,
            }) {
                return Err(ControlError::Stopped);
            }
        }
    }
    Ok(figures)
}

/// Closes the files of a group.
fn finish(running: Vec<EpisodeRun>) -> Result<Vec<EpisodeEntry>, ControlError> {
    running
        .into_iter()
        .map(|r| Ok(r.writer.finish()?))
        .collect()
}

/// Runs the episodes of a group for `ticks` policy ticks.
fn run(
    robots: &mut [ControlLoop],
    agent: &mut dyn Agent,
    running: &mut [EpisodeRun],
    ticks: u64,
    watch: &(dyn Fn(usize, &Tick) + Sync),
) -> Result<(), ControlError> {
    let mut done = 0;
    while done < ticks {
        let inputs: Vec<PolicyInput<'_>> = running
            .iter()
            .enumerate()
            .map(|(robot, r)| r.input(robot, done))
            .collect();
        // Before the agent plans: what it decides while a person has the arm is never executed.
        robots
            .iter_mut()
            .take(inputs.len())
            .for_each(ControlLoop::rearm);
        let chunks = planning::plan(robots, agent, &inputs)?;
        let steps = chunks.first().map_or(0, ActionChunk::n_action_steps);
        if chunks.len() != running.len()
            || steps == 0
            || chunks.iter().any(|c| c.n_action_steps() != steps)
        {
            return Err(ControlError::Agent {
                got: format!("{} chunks, the first of {steps} action steps", chunks.len()),
                expected: format!("{} chunks of the same, non-zero, number", running.len()),
            });
        }
        for ((chunk, robot), input) in chunks.iter().zip(robots.iter()).zip(&inputs) {
            belongs(chunk, robot.description(), input)?;
        }
        drop(inputs);
        let keep = agent.observation_history();
        let count = (steps as u64).min(ticks - done);
        let mut work: Vec<(usize, &mut EpisodeRun, &ActionChunk)> = running
            .iter_mut()
            .zip(&chunks)
            .enumerate()
            .map(|(i, (r, c))| (i, r, c))
            .collect();
        each_mut(robots, &mut work, |robot, (place, running, chunk)| {
            // Action i of a chunk is meant for that many policy ticks after the decision.
            let mut due_ns = robot.now_ns();
            for i in 0..count as usize {
                if robot.is_to_brake() {
                    return Err(ControlError::Stopped);
                }
                let (Some(execute), Some(record)) = (chunk.executed(i), chunk.recorded(i)) else {
                    break;
                };
                let action = TickAction { execute, record };
                let later = (i + 1..count as usize).filter_map(|i| chunk.recorded(i));
                let tick = running.step(robot, done + i as u64, &action, later, due_ns, keep)?;
                due_ns = due_ns.saturating_add(robot.action_ns());
                if let Some(tick) = tick {
                    watch(*place, &tick);
                }
            }
            Ok(())
        })?;
        done += count;
        if agent.is_done() {
            break;
        }
    }
    Ok(())
}

/// Does `work` for each robot and item at the same time, answers in order.
fn each<T: Sync, R: Send>(
    robots: &mut [ControlLoop],
    items: &[T],
    work: impl Fn(&mut ControlLoop, &T) -> Result<R, ControlError> + Sync,
) -> Result<Vec<R>, ControlError> {
    let mut items: Vec<&T> = items.iter().collect();
    each_mut(robots, &mut items, |robot, item| work(robot, item))
}

fn each_mut<T: Send, R: Send>(
    robots: &mut [ControlLoop],
    items: &mut [T],
    work: impl Fn(&mut ControlLoop, &mut T) -> Result<R, ControlError> + Sync,
) -> Result<Vec<R>, ControlError> {
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = robots
            .iter_mut()
            .zip(items)
            .enumerate()
            .map(|(i, (robot, item))| {
                std::thread::Builder::new()
                    .name(format!("robot-{i}"))
                    .spawn_scoped(scope, move || work(robot, item))
                    .map_err(|_| ControlError::Thread(i))
            })
            .collect();
        threads
            .into_iter()
            .enumerate()
            .map(|(i, thread)| thread?.join().map_err(|_| ControlError::Thread(i))?)
            .collect()
    })
}
