//! A robot's control thread: it commands the robot at its control rate, whatever the agent does.

use super::board::{Board, ControlSide};
use super::recording::{FinishedTick, UNWRITTEN};
use super::snapshot::RobotSnapshot;
use super::wake_flag::WakeFlag;
use crate::chunk_check::recordable;
use crate::control_loop::ControlLoop;
use crate::episode_origin::EpisodeOrigin;
use crate::priority;
use crate::schedule::{Schedule, ScheduledChunk};
use crate::{ControlError, RealTimeStats};
use apprentice_core::{Observation, PolicyObservation};
use apprentice_robot::proprioception;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, TrySendError};

/// What a control thread works with.
pub(super) struct Control<'a> {
    pub place: usize,
    pub side: ControlSide<'a, RobotSnapshot, Arc<ScheduledChunk>>,
    pub board: &'a Board<RobotSnapshot, Arc<ScheduledChunk>>,
    pub news: &'a WakeFlag,
    /// Whether the episode is over for the agent before its ticks are up.
    pub finished: &'a AtomicBool,
    pub history: usize,
    pub origin: EpisodeOrigin,
    pub recorder: SyncSender<FinishedTick>,
    pub schedule: Schedule,
    /// The newest observations, oldest first.
    pub observations: VecDeque<Arc<PolicyObservation>>,
    /// Whether the agent may decide: the policy has the arm.
    pub wanted: bool,
}

/// Ends an episode for the agent too, whatever ends it for the control thread.
struct Ends<'a>(&'a Board<RobotSnapshot, Arc<ScheduledChunk>>, &'a WakeFlag);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.end();
        self.1.set();
    }
}

impl Control<'_> {
    pub fn run(
        mut self,
        robot: &mut ControlLoop,
        ticks: u64,
    ) -> Result<RealTimeStats, ControlError> {
        let ends = Ends(self.board, self.news);
        priority::raise();
        let ran = self.execute(robot, ticks);
        let halted = robot.halt();
        self.board.set_complete(ran.is_ok());
        drop(ends);
        let figures = ran?;
        halted?;
        Ok(figures)
    }

    fn execute(
        &mut self,
        robot: &mut ControlLoop,
        ticks: u64,
    ) -> Result<RealTimeStats, ControlError> {
        self.show(0);
        // Nothing is executed, and nothing recorded, before the first decision.
        loop {
            self.receive();
            if self.schedule.remaining(0) > 0 {
                break;
            }
            if self.board.is_done() || robot.is_to_brake() {
                return Err(ControlError::Stopped);
            }
            let observation = robot.policy_tick(None, |_| ())?;
            self.observations.clear();
            self.observe(robot, observation);
            self.show(0);
        }
        let mut lateness_us = Vec::with_capacity((ticks * robot.ticks_per_action()) as usize);
        for tick in 0..ticks {
            if self.board.is_done() || robot.is_to_brake() {
                return Err(ControlError::Stopped);
            }
            // What was decided last is still executed at the beginning: no episode is without a tick.
            if tick > 0 && self.finished.load(Relaxed) {
                break;
            }
            self.policy_tick(robot, tick, &mut lateness_us)?;
        }
        Ok(RealTimeStats {
            starved: self.schedule.starved(),
            largest_jump: self.schedule.largest_jump(),
            lateness_us,
            ..RealTimeStats::default()
        })
    }

    /// Takes over what the agent has decided.
    fn receive(&mut self) {
        if let Some((now, planned)) = self.side.take() {
            self.schedule.accept(now, planned);
        }
    }

    /// Remembers what the robot saw.
    fn observe(&mut self, robot: &ControlLoop, mut observation: Observation) {
        self.origin.renumber(&mut observation);
        let proprioception = proprioception(robot.description(), &observation.state);
        while self.observations.len() >= self.history {
            self.observations.pop_front();
        }
        self.observations.push_back(Arc::new(PolicyObservation {
            observation,
            proprioception,
        }));
    }

    /// Shows the agent what the robot saw before the policy tick `tick`.
    fn show(&mut self, tick: u64) {
        let (schedule, observations) = (&self.schedule, &self.observations);
        let wanted = self.wanted;
        self.side.show(tick, |snapshot| {
            snapshot.tick = tick;
            snapshot.wanted = wanted;
            snapshot.remaining = schedule.remaining(tick);
            snapshot.age = schedule.age(tick);
            snapshot.expected_delay = schedule.expected_delay();
            snapshot.executing = schedule.chunk().map(|chunk| chunk.from());
            snapshot.remember(schedule.past_before(tick));
            snapshot.observations.clear();
            snapshot.observations.extend(observations.iter().cloned());
        });
        self.news.set();
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
        let Some(observed) = self.observations.back().cloned() else {
            return Ok(());
        };
        let decision = planned.as_ref().filter(|_| due).and_then(|p| p.at(tick));
        if let Some((_, record)) = decision {
            recordable(record, robot.description().action_dim())?;
        }
        let due_ns = robot.now_ns();
        let action = decision.map(|(execute, _)| (execute, due_ns));
        let next = robot.policy_tick(action, |late_ns| lateness_us.push(late_ns as f64 * 1e-3))?;
        let outcome = robot.outcome(next.clone());
        let authority = outcome.authority;
        self.keep(FinishedTick {
            index: tick,
            stamp_ns: self
                .origin
                .monotonic_stamp(observed.observation.state.stamp_ns),
            observed,
            planned,
            due,
            interrupted: before,
            outcome,
        })?;
        self.hand_over(robot, authority, (before, tick));
        self.observe(robot, next);
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
            if before && self.schedule.remaining(tick + 1) > 0 {
                robot.try_rearm();
            }
        } else {
            self.schedule.clear();
            self.side.invalidate();
            self.wanted = false;
        }
    }

    /// Gives a tick to the recorder without waiting for it.
    fn keep(&self, tick: FinishedTick) -> Result<(), ControlError> {
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
