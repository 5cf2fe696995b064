//! Robots in real time: they move while their agent thinks, and nobody waits for the disk.
//!
//! Each robot has a control thread, which commands it at its control rate and does nothing else that could
//! take time, and a recording thread behind a queue of bounded length. The agent thinks on the caller's
//! thread, about the newest observation of whichever robot will run out of actions first.
//!
//! The control thread waits for neither: what it shows them and what they answer lies on the `board` or in the
//! queue, where it only ever tries. Once a policy tick, after its last command, what was seen is put into memory
//! of its own for them.

mod bell;
mod board;
mod control_thread;
mod deciding;
mod recording;
/// What the model of the board puts others in place of.
mod sync {
    pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    pub(super) use std::sync::{Mutex, PoisonError, TryLockError};
}

use crate::control_loop::ControlLoop;
use crate::schedule::{Blending, PAST, Schedule};
use crate::session::Running;
use crate::{Agent, ControlError};
use apprentice_core::{Observation, Seed};
use apprentice_episode::{EpisodeEntry, Tick};
use bell::Bell;
use board::{Board, ControlSide};
use control_thread::Control;
use deciding::think;
use recording::record;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

/// Ticks that may wait to be written; a disk that falls further behind ends the episode.
const UNWRITTEN: usize = 128;

/// What a robot saw before a policy tick, and felt of itself.
struct Seen {
    observation: Observation,
    felt: Vec<f32>,
}

/// What the agent is shown of a robot.
#[derive(Default)]
struct Sight {
    tick: u64,
    /// Whether the agent may decide: the policy has the arm.
    wanted: bool,
    /// Actions that are left, and ticks since they were decided.
    left: usize,
    used: u64,
    /// Policy ticks the next decision is expected to take.
    expected_delay: u64,
    /// The first tick of the chunk that is carried out.
    running: Option<u64>,
    /// What was carried out before, in as much of the room as is used.
    past: Vec<Vec<f32>>,
    past_count: usize,
    /// Oldest first.
    seen: Vec<Arc<Seen>>,
}

impl Sight {
    fn remember<'a>(&mut self, past: impl Iterator<Item = &'a Vec<f32>>) {
        self.past.resize_with(PAST, Vec::new);
        self.past_count = 0;
        for (room, action) in self.past.iter_mut().zip(past) {
            room.clone_from(action);
            self.past_count += 1;
        }
    }

    fn past(&self) -> &[Vec<f32>] {
        self.past.get(..self.past_count).unwrap_or_default()
    }
}

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

/// Runs the episodes of a group for `ticks` policy ticks, and closes their files. `watch` is told of every
/// tick on the robot's recording thread: where it waits too long the episode ends.
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
    let boards: Vec<_> = running.iter().map(|_| Board::new()).collect();
    let bell = &Bell::default();
    let history = agent.history().max(1);
    let boards = &boards;
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for (i, (robot, running)) in robots.iter_mut().zip(running).enumerate() {
            let board = boards.get(i).ok_or(ControlError::Thread(i))?;
            let (sender, receiver) = sync_channel(UNWRITTEN);
            let Running { writer, first, .. } = running;
            let seen = running.observations.into_iter().zip(running.proprioception);
            let seen = seen.map(|(observation, felt)| Arc::new(Seen { observation, felt }));
            let recorder = thread::Builder::new()
                .name(format!("recorder-{i}"))
                .spawn_scoped(scope, move || {
                    let watch = |tick: &Tick| watch(i, tick);
                    record(writer, &receiver, watch, || board.is_whole())
                })
                .map_err(|_| ControlError::Thread(i))?;
            let control = Control {
                place: i,
                side: ControlSide::new(board),
                board,
                bell,
                history,
                first,
                recorder: sender,
                schedule: Schedule::new(thinking.blending),
                seen: seen.collect(),
                wanted: true,
            };
            let control = thread::Builder::new()
                .name(format!("control-{i}"))
                .spawn_scoped(scope, move || control.run(robot, ticks))
                .map_err(|_| ControlError::Thread(i))?;
            threads.push((control, recorder));
        }
        let thought = think(agent, boards, &seeds, thinking, bell);
        if thought.is_err() {
            boards.iter().for_each(Board::end);
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
