//! The robot moves because of this file: once a control period whoever has the arm (`authority`) wants
//! something, which becomes joint targets that the guard admits and the link sends (`commanding`), or the arm
//! is brought to rest (`resting`); then the period passes and what the robot saw comes back.
//!
//! From the robot's state to the command that is handed to the link, nothing is allocated and nobody is waited
//! for: `cargo xtask realtime` has a sanitizer watch it.

mod authority;
mod commanding;
mod resting;
mod seeing;

use crate::pace::Pace;
use crate::{ControlError, GuardTotals};
use apprentice_core::{Observation, RobotState};
use apprentice_link::{Arm, Freshness, TakeoverInbox};
use apprentice_robot::{DifferentialIk, RobotDescription};
use apprentice_safety::{Checker, ControlAuthority, Guard, GuardConfig, Interventions};
use authority::Decided;
use commanding::{Ahead, Room};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// What a robot in real time publishes may be this many of its periods old, if that is more than
/// `guard.stale_ms`.
const PERIODS: f64 = 5.0;

/// One robot, its guard, and the way from actions to joint targets.
pub struct ControlLoop {
    link: Box<dyn Arm>,
    guard: Guard,
    checker: Checker,
    ik: Option<DifferentialIk>,
    pace: Pace,
    freshness: Freshness,
    ticks_per_action: u64,
    sequence: u64,
    /// Joint targets of the last command: the path that is followed, ahead of the measured joints.
    target: Vec<f64>,
    /// The action that is being carried out, and when its newest command was due (ns), if there is one.
    action: (Vec<f32>, Option<u64>),
    room: Room,
    /// What a robot that takes paths has been sent and is still to come.
    ahead: Ahead,
    /// Why commands were changed since the last action.
    interventions: Interventions,
    totals: GuardTotals,
    state: Option<RobotState>,
    /// Control ticks since the state could be looked at.
    unseen: u64,
    takeover: Option<TakeoverInbox>,
    decided: Decided,
    /// The agent's action is not to be carried out any more: a person took over since it was decided.
    interrupted: bool,
    /// Takeovers that were seen: one may begin and end between two commands.
    takeovers: u64,
    /// Set when the run is to end.
    stop: Arc<AtomicBool>,
}

/// What one action came to.
#[derive(Clone, Debug)]
pub struct Acted {
    /// What the robot sees afterwards.
    pub observation: Observation,
    /// Why the guard changed commands since the last action.
    pub interventions: Interventions,
    /// Who decided: the person if one had the arm at any time, else nobody if nobody had it.
    pub authority: ControlAuthority,
    /// The last action the person wanted; `None` where they wanted none or had not taken over.
    pub human: Option<Vec<f32>>,
}

impl ControlLoop {
    /// Takes over the robot at the other end of `link`.
    ///
    /// # Errors
    /// When the robot's description cannot be guarded or followed.
    pub fn new(link: Box<dyn Arm>, guard: GuardConfig) -> Result<Self, ControlError> {
        let description = link.description().clone();
        let stale = Duration::from_millis(guard.stale_ms);
        let several = |hz: f64| Duration::from_secs_f64((PERIODS / hz).clamp(0.0, 60.0));
        let ik = if description.is_cartesian() {
            Some(DifferentialIk::new(&description)?)
        } else {
            None
        };
        let guard = Guard::new(&description, guard)?;
        let ticks_per_action = (description.control_hz / description.policy_hz)
            .round()
            .max(1.0) as u64;
        let paths = if link.takes_paths() {
            ticks_per_action
        } else {
            0
        };
        Ok(Self {
            room: Room::new(&description),
            ahead: Ahead::new(&guard, paths),
            guard,
            checker: Checker::new(&description)?,
            ik,
            pace: Pace::new(
                (1e9 / description.control_hz).round() as u64,
                link.is_lockstep(),
            ),
            freshness: Freshness {
                state: several(description.control_hz).max(stale),
                frame: several(description.policy_hz).max(stale),
            },
            ticks_per_action,
            sequence: 0,
            target: Vec::new(),
            action: (Vec::with_capacity(description.action_dim()), None),
            interventions: Interventions::default(),
            totals: GuardTotals::default(),
            state: None,
            unseen: 0,
            takeover: None,
            decided: Decided::default(),
            interrupted: false,
            takeovers: 0,
            stop: Arc::default(),
            link,
        })
    }

    /// The robot.
    #[must_use]
    pub fn description(&self) -> &RobotDescription {
        self.link.description()
    }

    /// Whether the robot's time passes only when asked for.
    #[must_use]
    pub fn is_lockstep(&self) -> bool {
        self.link.is_lockstep()
    }

    /// Counts since the loop was made.
    #[must_use]
    pub fn totals(&self) -> GuardTotals {
        GuardTotals {
            violations: self.checker.violations(),
            ..self.totals
        }
    }

    /// The time commands are stamped with, nanoseconds: the robot's in lockstep, otherwise the wall's
    /// since the loop was made.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.pace.now_ns()
    }

    /// How long one action is carried out, nanoseconds.
    #[must_use]
    pub fn action_ns(&self) -> u64 {
        self.ticks_per_action.saturating_mul(self.pace.period_ns())
    }

    /// Control ticks a policy tick has.
    pub(crate) fn ticks_per_action(&self) -> u64 {
        self.ticks_per_action
    }

    /// Asks for a new scene and starts from where the robot is now. Where a person let go of the arm and has not
    /// handed it back, it waits for that, at rest.
    ///
    /// # Errors
    /// When the robot cannot be reset or does not answer, where it is cannot be started from, or the run is ended
    /// while it waits ([`Self::end_when`]).
    pub fn reset(&mut self, seed: u64) -> Result<Observation, ControlError> {
        let made = self.link.sets_up_scenes();
        let observation = if made {
            // The arm is enabled where it stands in the new scene, which may not be where it was shown first.
            let mut seen = self.link.reset(seed)?;
            self.link.engage()?;
            if !self.is_lockstep() {
                seen.state = self.link.latest(false, self.freshness)?.state;
            }
            seen
        } else {
            self.link.engage()?;
            self.link.latest(true, self.freshness)?
        };
        if let Err(reason) = self.guard.restart(&observation.state) {
            let robot = self.description();
            let error = ControlError::Start(robot.name.clone(), reason.say(robot));
            // Nothing was commanded: there is nothing to brake.
            if let Err(also) = self.link.disengage() {
                tracing::warn!("the robot could not be given back: {also}");
            }
            return Err(error);
        }
        self.checker.restart(&observation.state);
        self.target.clone_from(&observation.state.positions);
        self.pace.restart();
        self.action.1 = None;
        self.ahead.clear();
        self.interventions = Interventions::default();
        self.decided.forget();
        self.rearm();
        self.state = Some(observation.state.clone());
        let observation = if made {
            self.wait_for_somebody()?.unwrap_or(observation)
        } else {
            self.go_home()?
        };
        // Whoever had the arm on the way home, the episode begins now.
        self.decided.forget();
        self.rearm();
        Ok(observation)
    }

    /// Whether the robot sets up scenes itself; a person has to otherwise.
    #[must_use]
    pub fn sets_up_scenes(&self) -> bool {
        self.link.sets_up_scenes()
    }

    /// Carries out one action (A numbers, see [`RobotDescription`]) for one policy tick. It was meant to
    /// begin at `due_ns` (of [`Self::now_ns`]); later than `guard.stale_ms` after that it is not obeyed,
    /// and the arm brakes. A person who takes over is obeyed instead, from the next command on; the rest
    /// of what the agent decided before is not carried out.
    ///
    /// # Errors
    /// When the link fails or a robot in real time falls silent; the arm has been told to stop by then.
    /// An action that makes no sense is not an error: the guard holds the arm.
    pub fn act(&mut self, action: &[f32], due_ns: u64) -> Result<Acted, ControlError> {
        let observation = self.policy_tick(Some((action, due_ns)), |_| ())?;
        let passed = (self.ticks_per_action - 1).saturating_mul(self.pace.period_ns());
        self.action.0.clear();
        self.action.0.extend_from_slice(action);
        self.action.1 = Some(due_ns.saturating_add(passed));
        Ok(self.acted(observation))
    }

    /// The control ticks of one policy tick: goes on with the agent's action that was due at a time (ns), or
    /// with a person's, or brakes. `late` is told by how much each tick began too late (ns). Answers what the
    /// robot sees at the end, frames included.
    ///
    /// # Errors
    /// As [`Self::act`].
    pub(crate) fn policy_tick(
        &mut self,
        action: Option<(&[f32], u64)>,
        mut late: impl FnMut(u64),
    ) -> Result<Observation, ControlError> {
        self.send_ahead(action)?;
        let mut action = action;
        for _ in 1..self.ticks_per_action {
            self.command_authorised(action)?;
            self.wait()?;
            late(self.pace.lateness_ns());
            if let Some((_, due_ns)) = &mut action {
                *due_ns = due_ns.saturating_add(self.pace.period_ns());
            }
        }
        self.command_authorised(action)?;
        let seen = self.wait_for_frames()?;
        late(self.pace.lateness_ns());
        Ok(seen)
    }
}
