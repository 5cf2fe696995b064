//! A robot's control thread: it commands the robot at its control rate, whatever the agent does.

use super::bell::Bell;
use super::board::{Board, ControlSide};
use super::recording::Passed;
use super::{LiveFigures, Seen, Sight, UNWRITTEN};
use crate::ControlError;
use crate::control_loop::ControlLoop;
use crate::priority;
use crate::schedule::{Planned, Schedule};
use crate::session::recordable;
use apprentice_core::Observation;
use apprentice_robot::proprioception;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

/// What a control thread works with.
pub(super) struct Control<'a> {
    pub place: usize,
    pub side: ControlSide<'a, Sight, Arc<Planned>>,
    pub board: &'a Board<Sight, Arc<Planned>>,
    pub bell: &'a Bell,
    pub history: usize,
    pub first: crate::session::First,
    pub recorder: SyncSender<Passed>,
    pub schedule: Schedule,
    /// The newest of what was seen, oldest first.
    pub seen: VecDeque<Arc<Seen>>,
    /// Whether the agent may decide: the policy has the arm.
    pub wanted: bool,
}

/// Ends an episode for the agent too, whatever ends it for the control thread.
struct Ends<'a>(&'a Board<Sight, Arc<Planned>>, &'a Bell);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.end();
        self.1.ring();
    }
}

impl Control<'_> {
    pub fn run(mut self, robot: &mut ControlLoop, ticks: u64) -> Result<LiveFigures, ControlError> {
        let ends = Ends(self.board, self.bell);
        priority::raise();
        let ran = self.carry_out(robot, ticks);
        let halted = robot.halt();
        self.board.set_whole(ran.is_ok());
        drop(ends);
        let figures = ran?;
        halted?;
        Ok(figures)
    }

    fn carry_out(
        &mut self,
        robot: &mut ControlLoop,
        ticks: u64,
    ) -> Result<LiveFigures, ControlError> {
        self.show(0);
        // Nothing is carried out, and nothing recorded, before the first decision.
        loop {
            self.receive();
            if !self.schedule.left(0).is_empty() {
                break;
            }
            if self.board.is_done() {
                return Err(ControlError::Stopped);
            }
            let seen = robot.policy_tick(None, |_| ())?;
            self.seen.clear();
            self.look(robot, seen);
            self.show(0);
        }
        let mut lateness_us = Vec::with_capacity((ticks * robot.ticks_per_action()) as usize);
        for tick in 0..ticks {
            if self.board.is_done() {
                return Err(ControlError::Stopped);
            }
            self.policy_tick(robot, tick, &mut lateness_us)?;
        }
        Ok(LiveFigures {
            starved: self.schedule.starved(),
            largest_jump: self.schedule.largest_jump(),
            lateness_us,
            ..LiveFigures::default()
        })
    }

    /// Takes over what the agent has decided.
    fn receive(&mut self) {
        if let Some((now, planned)) = self.side.take() {
            self.schedule.accept(now, planned);
        }
    }

    /// Remembers what the robot saw.
    fn look(&mut self, robot: &ControlLoop, mut observation: Observation) {
        self.first.count_from(&mut observation);
        let felt = proprioception(robot.description(), &observation.state);
        while self.seen.len() >= self.history {
            self.seen.pop_front();
        }
        self.seen.push_back(Arc::new(Seen { observation, felt }));
    }

    /// Shows the agent what the robot saw before the policy tick `tick`.
    fn show(&mut self, tick: u64) {
        let (schedule, seen, wanted) = (&self.schedule, &self.seen, self.wanted);
        self.side.show(tick, |sight| {
            sight.tick = tick;
            sight.wanted = wanted;
            sight.left = schedule.left(tick).len();
            sight.used = schedule.used(tick);
            sight.expected_delay = schedule.expected_delay();
            sight.running = schedule.chunk().map(|chunk| chunk.from);
            sight.remember(schedule.past_before(tick));
            sight.seen.clear();
            sight.seen.extend(seen.iter().cloned());
        });
        self.bell.ring();
    }

    fn policy_tick(
        &mut self,
        robot: &mut ControlLoop,
        tick: u64,
        lateness_us: &mut Vec<f64>,
    ) -> Result<(), ControlError> {
        let before = robot.is_interrupted();
        self.receive();
        let planned = self.schedule.chunk().cloned();
        let due = !before && self.schedule.due(tick).is_some();
        let Some(seen) = self.seen.back().cloned() else {
            return Ok(());
        };
        let decision = planned.as_ref().filter(|_| due).and_then(|p| p.at(tick));
        if let Some((_, record)) = decision {
            recordable(record, robot.description().action_dim())?;
        }
        let due_ns = robot.now_ns();
        let action = decision.map(|(execute, _)| (execute, due_ns));
        let next = robot.policy_tick(action, |late_ns| lateness_us.push(late_ns as f64 * 1e-3))?;
        let acted = robot.acted(next.clone());
        let authority = acted.authority;
        self.keep(Passed {
            index: tick,
            stamp_ns: self.first.rising(seen.observation.state.stamp_ns),
            seen,
            planned,
            due,
            interrupted: before,
            acted,
        })?;
        self.hand_over(robot, authority, (before, tick));
        self.look(robot, next);
        self.show(tick + 1);
        Ok(())
    }

    /// A takeover voids what was planned; what is decided after the arm was handed back counts again.
    fn hand_over(
        &mut self,
        robot: &mut ControlLoop,
        authority: apprentice_safety::ControlAuthority,
        (before, tick): (bool, u64),
    ) {
        if !robot.is_interrupted() {
            return;
        }
        if authority == apprentice_safety::ControlAuthority::Policy {
            self.wanted = true;
            self.receive();
            if before && !self.schedule.left(tick + 1).is_empty() {
                robot.try_rearm();
            }
        } else {
            self.schedule.clear();
            self.side.void();
            self.wanted = false;
        }
    }

    /// Gives a tick to the recorder without waiting for it.
    fn keep(&self, passed: Passed) -> Result<(), ControlError> {
        self.recorder.try_send(passed).map_err(|e| match e {
            TrySendError::Full(_) => ControlError::Recorder {
                ticks: UNWRITTEN,
                robot: self.place,
            },
            // The recorder has failed; its own error says why.
            TrySendError::Disconnected(_) => ControlError::Stopped,
        })
    }
}
