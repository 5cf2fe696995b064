//! Robots in real time: they move while their agent plans, and nobody waits for the disk.
//!
//! Each robot has a control thread, which commands it at its control rate and does nothing else that could
//! take time, and a recording thread behind a queue of bounded length. The agent plans on the caller's
//! thread, about the newest observation of whichever robot will run out of actions first.
//!
//! The control thread waits for neither: what it shows them and what they answer lies on the `board` or in the
//! queue, where it only ever tries. Once a policy tick, after its last command, what was seen is put into memory
//! of its own for them.

mod board;
mod control_thread;
mod deciding;
mod recording;
mod snapshot;
/// What the model of the board puts others in place of.
mod sync;
mod wake_flag;

use crate::control_loop::ControlLoop;
use crate::episode_run::EpisodeRun;
use crate::schedule::Schedule;
use crate::{Agent, ChunkingConfig, ControlError, RealTimeStats};
use apprentice_core::Seed;
use apprentice_episode::{EpisodeEntry, Tick};
use board::{Board, ControlSide};
use control_thread::Control;
use deciding::decide_until_done;
use recording::{UNWRITTEN, record};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;
use std::thread;
use wake_flag::WakeFlag;

/// Runs the episodes of a group for `ticks` policy ticks, and closes their files. `watch` is told of every
/// tick on the robot's recording thread: where it waits too long the episode ends.
///
/// # Errors
/// The first error of link, agent or recorder; every arm has been told to stop by then.
pub(crate) fn run(
    robots: &mut [ControlLoop],
    agent: &mut dyn Agent,
    running: Vec<EpisodeRun>,
    ticks: u64,
    chunking: ChunkingConfig,
    watch: &(dyn Fn(usize, &Tick) + Sync),
) -> Result<(Vec<EpisodeEntry>, RealTimeStats), ControlError> {
    let seeds: Vec<Seed> = running.iter().map(|r| r.seed).collect();
    let descriptions: Vec<_> = robots.iter().map(|r| r.description().clone()).collect();
    let boards: Vec<_> = running.iter().map(|_| Board::new()).collect();
    let (news, finished) = (&WakeFlag::default(), &AtomicBool::new(false));
    let history = agent.observation_history().max(1);
    let boards = &boards;
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for (i, (robot, running)) in robots.iter_mut().zip(running).enumerate() {
            let board = boards.get(i).ok_or(ControlError::Thread(i))?;
            let (sender, receiver) = sync_channel(UNWRITTEN);
            let EpisodeRun {
                writer,
                origin,
                observations,
                ..
            } = running;
            let recorder = thread::Builder::new()
                .name(format!("recorder-{i}"))
                .spawn_scoped(scope, move || {
                    let watch = |tick: &Tick| watch(i, tick);
                    record(writer, &receiver, watch, || board.is_complete())
                })
                .map_err(|_| ControlError::Thread(i))?;
            let control = Control {
                place: i,
                side: ControlSide::new(board),
                board,
                news,
                finished,
                history,
                origin,
                recorder: sender,
                schedule: Schedule::new(chunking.blending),
                observations: observations.into(),
                wanted: true,
            };
            let control = thread::Builder::new()
                .name(format!("control-{i}"))
                .spawn_scoped(scope, move || control.run(robot, ticks))
                .map_err(|_| ControlError::Thread(i))?;
            threads.push((control, recorder));
        }
        let planned = decide_until_done(
            agent,
            boards,
            (&seeds, &descriptions),
            chunking,
            (news, finished),
        );
        if planned.is_err() {
            boards.iter().for_each(Board::end);
        }
        let mut figures = RealTimeStats::default();
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
        let (decisions, slowest_ms) = match planned {
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
