//! A robot's control thread: it commands the robot at its control rate, whatever the agent does.

use super::board::{Bell, Board};
use super::{LiveFigures, UNWRITTEN};
use crate::control_loop::ControlLoop;
use crate::priority;
use crate::session::{annotate, recordable};
use crate::{ControlError, Decision};
use apprentice_core::Observation;
use apprentice_episode::Tick;
use apprentice_robot::proprioception;
use std::sync::mpsc::{SyncSender, TrySendError};

/// What a control thread works with.
pub(super) struct Control<'a> {
    pub place: usize,
    pub board: &'a Board,
    pub bell: &'a Bell,
    pub history: usize,
    pub first: crate::session::First,
    pub recorder: SyncSender<Tick>,
    pub watch: &'a (dyn Fn(usize, &Tick) + Sync),
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
    pub fn run(self, robot: &mut ControlLoop, ticks: u64) -> Result<LiveFigures, ControlError> {
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
                robot.try_rearm();
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
