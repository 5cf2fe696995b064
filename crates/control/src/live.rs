//! Robots in real time: they move while their agent thinks, and nobody waits for the disk.
//!
//! Each robot has a control thread, which commands it at its control rate and does nothing else that could
//! take time, and a recording thread behind a queue of bounded length. The agent thinks on the caller's
//! thread, about the newest observation of whichever robot will run out of actions first.

use crate::control_loop::ControlLoop;
use crate::priority;
use crate::schedule::{Blending, RunningChunk, Schedule};
use crate::session::{Running, annotate, recordable};
use crate::{Agent, ControlError, Decision, View};
use apprentice_core::{Observation, Seed};
use apprentice_episode::{EpisodeEntry, EpisodeWriter, Tick};
use apprentice_robot::proprioception;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Ticks that may wait to be written; a disk that falls further behind ends the episode.
const UNWRITTEN: usize = 128;

/// How an agent's decisions reach a robot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thinking {
    /// How chunks that overlap are put together.
    pub blending: Blending,
    /// Time added to every decision, milliseconds: to see what a slower computer would do. The simulation
    /// goes on meanwhile.
    pub latency_ms: u64,
}

/// What an episode in real time was like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveFigures {
    /// Policy ticks for which nothing had been decided.
    pub starved: u64,
    /// Decisions, and the longest time one took, milliseconds.
    pub decisions: u64,
    /// See above.
    pub slowest_ms: f64,
    /// Largest difference of a number of the action from one tick to the next.
    pub largest_jump: f64,
    /// How late control ticks began, microseconds, sorted.
    pub lateness_us: Vec<f64>,
}

impl LiveFigures {
    /// The lateness that this share (0 to 1) of the control ticks kept, microseconds.
    #[must_use]
    pub fn lateness(&self, share: f64) -> f64 {
        let last = self.lateness_us.len().saturating_sub(1) as f64;
        let place = (last * share.clamp(0.0, 1.0)).round() as usize;
        self.lateness_us.get(place).copied().unwrap_or(0.0)
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.starved += other.starved;
        self.decisions += other.decisions;
        self.slowest_ms = self.slowest_ms.max(other.slowest_ms);
        self.largest_jump = self.largest_jump.max(other.largest_jump);
        self.lateness_us.extend(other.lateness_us);
        self.lateness_us.sort_by(f64::total_cmp);
    }
}

/// What a robot's control thread and the agent share.
struct Board {
    state: Mutex<BoardState>,
}

struct BoardState {
    schedule: Schedule,
    /// The newest observations, oldest first, and what the robot felt of itself.
    observations: Vec<Observation>,
    proprioception: Vec<Vec<f32>>,
    tick: u64,
    /// Counts takeovers: what was decided before one does not count after it.
    epoch: u64,
    /// Whether the agent may decide: the policy has the arm.
    wanted: bool,
    done: bool,
    /// Whether the robot has carried out the whole episode.
    whole: bool,
}

/// Wakes the agent when a robot has something new.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    fn wait(&self, patience: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(rung, patience, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, BoardState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the agent is asked about.
struct Question {
    robot: usize,
    seed: Seed,
    tick: u64,
    epoch: u64,
    observations: Vec<Observation>,
    proprioception: Vec<Vec<f32>>,
    running: Option<RunningChunk>,
}

/// Runs the episodes of a group for `ticks` policy ticks, and closes their files. `watch` is told of every
/// tick on the robot's control thread: it must not wait.
///
/// # Errors
/// The first error of link, agent or recorder; every arm has been told to stop by then.
pub(crate) fn run(
    robots: &mut [ControlLoop],
    agent: &mut dyn Agent,
    running: Vec<Running>,
    ticks: u64,
    thinking: Thinking,
    watch: &(dyn Fn(usize, &Tick) + Sync),
) -> Result<(Vec<EpisodeEntry>, LiveFigures), ControlError> {
    let seeds: Vec<Seed> = running.iter().map(|r| r.seed).collect();
    let boards: Vec<Board> = running
        .iter()
        .map(|r| Board {
            state: Mutex::new(BoardState {
                schedule: Schedule::new(thinking.blending),
                observations: r.observations.clone(),
                proprioception: r.proprioception.clone(),
                tick: 0,
                epoch: 0,
                wanted: true,
                done: false,
                whole: false,
            }),
        })
        .collect();
    let bell = &Bell::default();
    let history = agent.history().max(1);
    let boards = &boards;
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for (i, (robot, running)) in robots.iter_mut().zip(running).enumerate() {
            let board = boards.get(i).ok_or(ControlError::Thread(i))?;
            let (sender, receiver) = sync_channel(UNWRITTEN);
            let Running { writer, first, .. } = running;
            let recorder = thread::Builder::new()
                .name(format!("recorder-{i}"))
                .spawn_scoped(scope, move || record(writer, &receiver, board))
                .map_err(|_| ControlError::Thread(i))?;
            let control = Control {
                place: i,
                board,
                bell,
                history,
                first,
                recorder: sender,
                watch,
            };
            let control = thread::Builder::new()
                .name(format!("control-{i}"))
                .spawn_scoped(scope, move || control.run(robot, ticks))
                .map_err(|_| ControlError::Thread(i))?;
            threads.push((control, recorder));
        }
        let thought = think(agent, boards, &seeds, thinking, bell);
        if thought.is_err() {
            boards.iter().for_each(|b| b.lock().done = true);
        }
        let mut figures = LiveFigures::default();
        let (mut entries, mut failed) = (Vec::new(), None);
        for (i, (control, recorder)) in threads.into_iter().enumerate() {
            let controlled = control
                .join()
                .map_err(|_| ControlError::Thread(i))
                .flatten();
            let recorded = recorder
                .join()
                .map_err(|_| ControlError::Thread(i))
                .flatten();
            match (controlled, recorded) {
                (Ok(of_robot), Ok(Some(entry))) => {
                    figures.add(of_robot);
                    entries.push(entry);
                }
                // A recorder that fails is why the control thread could not go on.
                (_, Err(error)) | (Err(error), _) => {
                    failed.get_or_insert(error);
                }
                (Ok(_), Ok(None)) => {
                    failed.get_or_insert(ControlError::Thread(i));
                }
            }
        }
        let (decisions, slowest_ms) = match thought {
            Ok(figures) => figures,
            Err(error) => return Err(failed.unwrap_or(error)),
        };
        if let Some(error) = failed {
            return Err(error);
        }
        figures.decisions = decisions;
        figures.slowest_ms = slowest_ms;
        Ok((entries, figures))
    })
}

/// Writes what comes, until nothing more can. An episode that was not carried out to its end is not closed: it
/// reads as cut off.
fn record(
    mut writer: EpisodeWriter,
    ticks: &Receiver<Tick>,
    board: &Board,
) -> Result<Option<EpisodeEntry>, ControlError> {
    for tick in ticks {
        writer.tick(&tick)?;
    }
    if board.lock().whole {
        Ok(Some(writer.finish()?))
    } else {
        Ok(None)
    }
}

/// Lets the agent decide for whichever robot needs it, until all are done. Answers how many decisions there
/// were and how long the slowest took, milliseconds.
fn think(
    agent: &mut dyn Agent,
    boards: &[Board],
    seeds: &[Seed],
    thinking: Thinking,
    bell: &Bell,
) -> Result<(u64, f64), ControlError> {
    let latency = Duration::from_millis(thinking.latency_ms);
    let (mut decisions, mut slowest) = (0, Duration::ZERO);
    while boards.iter().any(|b| !b.lock().done) {
        let Some(question) = next_question(boards, seeds, agent.stride()) else {
            bell.wait(Duration::from_millis(20));
            continue;
        };
        let begun = Instant::now();
        let view = View {
            robot: question.robot,
            seed: question.seed,
            tick: question.tick,
            observations: &question.observations,
            proprioception: &question.proprioception,
        };
        let chunk = agent.plan_ahead(&view, question.running.as_ref())?;
        if chunk.is_empty() {
            return Err(ControlError::Agent {
                got: "no action".into(),
                expected: "one or more".into(),
            });
        }
        thread::sleep(latency.saturating_sub(begun.elapsed()));
        decisions += 1;
        slowest = slowest.max(begun.elapsed());
        if let Some(board) = boards.get(question.robot) {
            let mut state = board.lock();
            // What was decided before a person took over does not count after.
            if state.epoch == question.epoch {
                let now = state.tick;
                state.schedule.offer(question.tick, now, chunk);
            }
        }
    }
    Ok((decisions, slowest.as_secs_f64() * 1e3))
}

/// The robot that will run out of actions first, if one should be decided for now.
fn next_question(boards: &[Board], seeds: &[Seed], stride: usize) -> Option<Question> {
    let mut next: Option<Question> = None;
    let mut least = usize::MAX;
    for (robot, (board, seed)) in boards.iter().zip(seeds).enumerate() {
        let state = board.lock();
        let schedule = &state.schedule;
        let left = schedule.left(state.tick).len();
        // A decision is begun so that it comes when the stride has been carried out.
        let due = schedule.used(state.tick) + schedule.expected_delay() >= stride as u64;
        if state.done || !state.wanted || left >= least || !(due || left == 0) {
            continue;
        }
        least = left;
        next = Some(Question {
            robot,
            seed: *seed,
            tick: state.tick,
            epoch: state.epoch,
            observations: state.observations.clone(),
            proprioception: state.proprioception.clone(),
            running: schedule.running(state.tick),
        });
    }
    next
}

/// What a control thread works with.
struct Control<'a> {
    place: usize,
    board: &'a Board,
    bell: &'a Bell,
    history: usize,
    first: crate::session::First,
    recorder: SyncSender<Tick>,
    watch: &'a (dyn Fn(usize, &Tick) + Sync),
}

/// Ends an episode for the agent too, whatever ends it for the control thread.
struct Ends<'a>(&'a Board, &'a Bell);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.lock().done = true;
        self.1.ring();
    }
}

impl Control<'_> {
    fn run(self, robot: &mut ControlLoop, ticks: u64) -> Result<LiveFigures, ControlError> {
        let ends = Ends(self.board, self.bell);
        priority::raise();
        let ran = self.carry_out(robot, ticks);
        let halted = robot.halt();
        self.board.lock().whole = ran.is_ok();
        drop(ends);
        let figures = ran?;
        halted?;
        Ok(figures)
    }

    fn carry_out(&self, robot: &mut ControlLoop, ticks: u64) -> Result<LiveFigures, ControlError> {
        self.bell.ring();
        // Nothing is carried out, and nothing recorded, before the first decision.
        while self.board.lock().schedule.left(0).is_empty() {
            if self.board.lock().done {
                return Err(ControlError::Stopped);
            }
            let seen = robot.policy_tick(None, |_| ())?;
            self.show(robot, seen, 0);
        }
        let mut lateness_us = Vec::with_capacity((ticks * robot.ticks_per_action()) as usize);
        for tick in 0..ticks {
            if self.board.lock().done {
                return Err(ControlError::Stopped);
            }
            self.policy_tick(robot, tick, &mut lateness_us)?;
        }
        let state = self.board.lock();
        Ok(LiveFigures {
            starved: state.schedule.starved(),
            largest_jump: state.schedule.largest_jump(),
            lateness_us,
            ..LiveFigures::default()
        })
    }

    /// Shows the agent what the robot saw before the policy tick `tick`.
    fn show(&self, robot: &ControlLoop, mut seen: Observation, tick: u64) {
        self.first.count_from(&mut seen);
        let felt = proprioception(robot.description(), &seen.state);
        let mut state = self.board.lock();
        if tick == 0 {
            state.observations.clear();
            state.proprioception.clear();
        }
        state.observations.push(seen);
        state.proprioception.push(felt);
        let excess = state.observations.len().saturating_sub(self.history);
        state.observations.drain(..excess);
        state.proprioception.drain(..excess);
        state.tick = tick;
        drop(state);
        self.bell.ring();
    }

    fn policy_tick(
        &self,
        robot: &mut ControlLoop,
        tick: u64,
        lateness_us: &mut Vec<f64>,
    ) -> Result<(), ControlError> {
        let before = robot.is_interrupted();
        let (decision, planned, observation, felt) = {
            let mut state = self.board.lock();
            let decision = if before {
                None
            } else {
                state.schedule.decide(tick)
            };
            let planned: Vec<Decision> = state.schedule.left(tick).to_vec();
            let newest = state.observations.last().cloned();
            let felt = state.proprioception.last().cloned();
            (decision, planned, newest, felt)
        };
        let (Some(observation), Some(felt)) = (observation, felt) else {
            return Ok(());
        };
        let numbers = robot.description().action_dim();
        if let Some(decision) = &decision {
            recordable(&decision.record, numbers)?;
        }
        let due_ns = robot.now_ns();
        let action = decision.as_ref().map(|d| (&d.execute[..], due_ns));
        let seen = robot.policy_tick(action, |late_ns| lateness_us.push(late_ns as f64 * 1e-3))?;
        let acted = robot.acted(seen.clone());
        let mut recorded = Tick {
            index: tick,
            stamp_ns: self.first.rising(observation.state.stamp_ns),
            observation,
            proprioception: felt.clone(),
            // A tick for which nothing was decided: the arm stayed.
            action: decision.as_ref().map_or(felt, |d| d.record.clone()),
            guard_refusals: Vec::new(),
            decided_by: apprentice_episode::DecidedBy::Agent,
            unexecuted: Vec::new(),
        };
        annotate(&mut recorded, &acted, &planned, before);
        (self.watch)(self.place, &recorded);
        self.keep(recorded)?;
        self.hand_over(robot, acted.authority, before);
        self.show(robot, seen, tick + 1);
        Ok(())
    }

    /// A takeover voids what was planned; what is decided after the arm was handed back counts again.
    fn hand_over(
        &self,
        robot: &mut ControlLoop,
        authority: apprentice_safety::Authority,
        before: bool,
    ) {
        if !robot.is_interrupted() {
            return;
        }
        let mut state = self.board.lock();
        if authority == apprentice_safety::Authority::Policy {
            state.wanted = true;
            if before && !state.schedule.left(state.tick + 1).is_empty() {
                robot.rearm();
            }
        } else {
            state.schedule.clear();
            state.epoch += 1;
            state.wanted = false;
        }
    }

    /// Gives a tick to the recorder without waiting for it.
    fn keep(&self, tick: Tick) -> Result<(), ControlError> {
        self.recorder.try_send(tick).map_err(|e| match e {
            TrySendError::Full(_) => ControlError::Recorder {
                ticks: UNWRITTEN,
                robot: self.place,
            },
            // The recorder has failed; its own error says why.
            TrySendError::Disconnected(_) => ControlError::Stopped,
        })
    }
}
