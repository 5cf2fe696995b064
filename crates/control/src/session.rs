//! Running an agent on one or more robots, and recording what happens.

use crate::live::{self, LiveFigures, Thinking};
use crate::{Acted, Agent, ControlError, ControlLoop, Decision, View, delayed, thinking};
use apprentice_core::{Observation, Seed};
use apprentice_episode::{DecidedBy, EpisodeEntry, EpisodeMeta, EpisodeWriter, Tick};
use apprentice_robot::proprioception;
use apprentice_safety::ControlAuthority;
use std::cell::Cell;
use std::path::PathBuf;

/// An episode to be run.
#[derive(Clone, Debug)]
pub struct EpisodePlan {
    /// Where to record it.
    pub path: PathBuf,
    /// What to write at its head.
    pub meta: EpisodeMeta,
    /// Seed of scene and agent.
    pub seed: Seed,
}

/// An episode that was run.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Index into the plans.
    pub plan: usize,
    /// Robot it ran on; its scene is still as the episode left it.
    pub robot: usize,
    /// The file.
    pub entry: EpisodeEntry,
}

pub(crate) struct Running {
    pub writer: EpisodeWriter,
    pub observations: Vec<Observation>,
    pub proprioception: Vec<Vec<f32>>,
    pub seed: Seed,
    pub first: First,
}

/// The first sequence numbers of an episode. Recorded ones count from there: gaps stay visible, and
/// the same episode gives the same file whatever the robot did before.
pub(crate) struct First {
    state: u64,
    frames: Vec<u64>,
    /// The latest stamp that was recorded.
    stamp_ns: Cell<u64>,
}

impl First {
    fn of(observation: &Observation) -> Self {
        Self {
            state: observation.state.sequence,
            frames: observation.frames.iter().map(|f| f.sequence).collect(),
            stamp_ns: Cell::new(0),
        }
    }

    /// The stamp of a tick. A robot's clock may be set back while it runs; an episode only goes on.
    pub fn rising(&self, stamp_ns: u64) -> u64 {
        self.stamp_ns.set(self.stamp_ns.get().max(stamp_ns));
        self.stamp_ns.get()
    }

    pub fn count_from(&self, observation: &mut Observation) {
        let state = &mut observation.state.sequence;
        *state = state.saturating_sub(self.state);
        for (frame, first) in observation.frames.iter_mut().zip(&self.frames) {
            frame.sequence = frame.sequence.saturating_sub(*first);
        }
    }
}

/// Runs `plans` for `ticks` policy ticks each, as many at a time as there are robots, and calls
/// `finished` after each episode. The robots of a group act at the same time and are asked about
/// together. `watch` is told of every tick of every robot, on a thread of that robot's: it must not wait.
///
/// Robots in real time move while an agent that plans ahead thinks, as `thinking` says, and are at rest when
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
    thinking: Thinking,
    watch: &(dyn Fn(usize, &Tick) + Sync),
    mut finished: impl FnMut(&Recorded) -> bool,
) -> Result<LiveFigures, ControlError> {
    let width = robots.len().max(1);
    let ahead = agent.stride() > 1 && !robots.iter().any(ControlLoop::is_lockstep);
    let mut figures = LiveFigures::default();
    for (group, plans_of_group) in plans.chunks(width).enumerate() {
        let mut running = match each(robots, plans_of_group, start) {
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
            live::run(robots, agent, running, ticks, thinking, watch).map(|(entries, of_group)| {
                figures.add(of_group);
                entries
            })
        } else if thinking.latency_ms > 0 && agent.stride() > 1 {
            delayed::run(robots, agent, &mut running, ticks, thinking, watch).and_then(|of_group| {
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
            if !finished(&Recorded {
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
fn finish(running: Vec<Running>) -> Result<Vec<EpisodeEntry>, ControlError> {
    running
        .into_iter()
        .map(|r| Ok(r.writer.finish()?))
        .collect()
}

/// Runs the episodes of a group for `ticks` policy ticks.
fn run(
    robots: &mut [ControlLoop],
    agent: &mut dyn Agent,
    running: &mut [Running],
    ticks: u64,
    watch: &(dyn Fn(usize, &Tick) + Sync),
) -> Result<(), ControlError> {
    let mut done = 0;
    while done < ticks {
        let views: Vec<View<'_>> = running
            .iter()
            .enumerate()
            .map(|(robot, r)| View {
                robot,
                seed: r.seed,
                tick: done,
                observations: &r.observations,
                proprioception: &r.proprioception,
            })
            .collect();
        // Before the agent thinks: what it decides while a person has the arm is never carried out.
        robots
            .iter_mut()
            .take(views.len())
            .for_each(ControlLoop::rearm);
        let chunks = thinking::plan(robots, agent, &views)?;
        let length = chunks.first().map_or(0, Vec::len);
        if chunks.len() != running.len() || length == 0 || chunks.iter().any(|c| c.len() != length)
        {
            return Err(ControlError::Agent {
                got: format!("{} chunks, the first of {length} actions", chunks.len()),
                expected: format!("{} chunks of the same, non-zero, length", running.len()),
            });
        }
        let keep = agent.history();
        let count = (length as u64).min(ticks - done);
        let mut work: Vec<(usize, &mut Running, &[Decision])> = running
            .iter_mut()
            .zip(&chunks)
            .enumerate()
            .map(|(i, (r, c))| (i, r, &c[..count as usize]))
            .collect();
        each_mut(robots, &mut work, |robot, (place, running, decisions)| {
            // Action i of a chunk is meant for that many policy ticks after the decision.
            let mut due_ns = robot.now_ns();
            for i in 0..decisions.len() {
                let planned = decisions.get(i..).unwrap_or_default();
                let tick = running.step(robot, done + i as u64, planned, due_ns, keep)?;
                due_ns = due_ns.saturating_add(robot.action_ns());
                if let Some(tick) = tick {
                    watch(*place, &tick);
                }
            }
            Ok(())
        })?;
        done += count;
    }
    Ok(())
}

fn start(robot: &mut ControlLoop, plan: &EpisodePlan) -> Result<Running, ControlError> {
    let mut observation = robot.reset(plan.seed.0)?;
    let first = First::of(&observation);
    first.count_from(&mut observation);
    let writer = EpisodeWriter::create(&plan.path, &plan.meta)?;
    let seen = proprioception(robot.description(), &observation.state);
    Ok(Running {
        writer,
        observations: vec![observation],
        proprioception: vec![seen],
        seed: plan.seed,
        first,
    })
}

impl Running {
    /// Acts, records what was seen and decided, and keeps the newest observations. Answers what was
    /// recorded.
    pub(crate) fn step(
        &mut self,
        robot: &mut ControlLoop,
        index: u64,
        planned: &[Decision],
        due_ns: u64,
        keep: usize,
    ) -> Result<Option<Tick>, ControlError> {
        let (Some(observation), Some(seen), Some(decision)) = (
            self.observations.last(),
            self.proprioception.last(),
            planned.first(),
        ) else {
            return Ok(None);
        };
        recordable(&decision.record, robot.description().action_dim())?;
        let mut tick = Tick {
            index,
            stamp_ns: self.first.rising(observation.state.stamp_ns),
            observation: observation.clone(),
            proprioception: seen.clone(),
            action: decision.record.clone(),
            guard_refusals: Vec::new(),
            decided_by: apprentice_episode::DecidedBy::Agent,
            unexecuted: Vec::new(),
        };
        let before = robot.is_interrupted();
        let acted = robot.act(&decision.execute, due_ns)?;
        annotate(&mut tick, &acted, planned, before);
        let mut next = acted.observation;
        self.first.count_from(&mut next);
        self.writer.tick(&tick)?;
        self.proprioception
            .push(proprioception(robot.description(), &next.state));
        self.observations.push(next);
        let excess = self.observations.len().saturating_sub(keep.max(1));
        self.observations.drain(..excess);
        self.proprioception.drain(..excess);
        Ok(Some(tick))
    }
}

/// Writes into `tick` what came of it: why commands were changed, who decided, and, where a person took over,
/// what they did and what the agent had `planned` from this tick on.
pub(crate) fn annotate(tick: &mut Tick, acted: &Acted, planned: &[Decision], interrupted: bool) {
    tick.guard_refusals = acted.interventions.names().map(str::to_owned).collect();
    tick.decided_by = match acted.authority {
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
        tick.unexecuted = planned.iter().map(|d| d.record.clone()).collect();
    }
    // Where the person wants nothing the arm stays: what it feels of itself is in an action's numbers.
    let numbers = tick.action.len();
    let done = acted.human.as_ref().unwrap_or(&tick.proprioception);
    if done.len() == numbers && done.iter().all(|v| v.is_finite()) {
        tick.action.clone_from(done);
    }
}

/// An action that is recorded is learnt from: it must be one.
pub(crate) fn recordable(action: &[f32], numbers: usize) -> Result<(), ControlError> {
    let refuse = |got: String| {
        Err(ControlError::Agent {
            got,
            expected: format!("{numbers} finite numbers in each action to be recorded"),
        })
    };
    if action.len() != numbers {
        return refuse(format!("an action of {} numbers", action.len()));
    }
    match action.iter().position(|v| !v.is_finite()) {
        Some(i) => refuse(format!("an action whose number {i} is {}", action[i])),
        None => Ok(()),
    }
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
