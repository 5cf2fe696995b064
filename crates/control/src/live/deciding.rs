//! The agent's thread: it decides for whichever robot needs it most.

use super::Thinking;
use super::board::{Bell, Board};
use crate::schedule::RunningChunk;
use crate::{Agent, ControlError, View};
use apprentice_core::{Observation, Seed};
use std::thread;
use std::time::{Duration, Instant};

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

/// Lets the agent decide for whichever robot needs it, until all are done. Answers how many decisions there
/// were and how long the slowest took, milliseconds.
pub(super) fn think(
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
