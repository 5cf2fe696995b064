//! Robots in real time: they move while their agent thinks, and nobody waits for the disk.
//!
//! Each robot has a control thread, which commands it at its control rate and does nothing else that could
//! take time, and a recording thread behind a queue of bounded length. The agent thinks on the caller's
//! thread, about the newest observation of whichever robot will run out of actions first.

mod board;
mod control_thread;
mod deciding;

use crate::control_loop::ControlLoop;
use crate::schedule::Blending;
use crate::session::Running;
use crate::{Agent, ControlError};
use apprentice_core::Seed;
use apprentice_episode::{EpisodeEntry, EpisodeWriter, Tick};
use board::{Bell, Board};
use control_thread::Control;
use deciding::think;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

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
        .map(|r| {
            Board::new(
                thinking.blending,
                r.observations.clone(),
                r.proprioception.clone(),
            )
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
