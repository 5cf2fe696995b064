//! One robot with its guard: what the control loop works on.

use super::authority_record::AuthorityRecord;
use super::buffers::{CommandBuffers, SentPath};
use crate::pace::Pace;
use crate::{ControlError, GuardTotals};
use apprentice_core::{Observation, RobotState};
use apprentice_link::{Arm, EpisodeVerdict, Freshness, TakeoverInbox};
use apprentice_robot::{DifferentialIk, RobotDescription};
use apprentice_safety::{Checker, ControlAuthority, Guard, GuardConfig, Interventions};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// What a robot in real time publishes may be this many of its periods old, if that is more than
/// `guard.stale_ms`.
const PERIODS: f64 = 5.0;

/// One robot, its guard, and the way from actions to joint targets.
pub struct ControlLoop {
    pub(super) link: Box<dyn Arm>,
    pub(super) guard: Guard,
    pub(super) checker: Checker,
    pub(super) ik: Option<DifferentialIk>,
    pub(super) pace: Pace,
    pub(super) freshness: Freshness,
    pub(super) ticks_per_action: u64,
    pub(super) sequence: u64,
    /// Joint targets of the last command: the path that is followed, ahead of the measured joints.
    pub(super) target: Vec<f64>,
    /// The action that is being executed, and when its newest command was due (ns), if there is one.
    pub(super) action: (Vec<f32>, Option<u64>),
    pub(super) buffers: CommandBuffers,
    /// What a robot that takes paths has been sent and is still to come.
    pub(super) path: SentPath,
    /// Why commands were changed since the last action.
    pub(super) interventions: Interventions,
    pub(super) totals: GuardTotals,
    pub(super) state: Option<RobotState>,
    /// Control ticks since the state could be looked at.
    pub(super) missed_states: u64,
    pub(super) takeover: Option<TakeoverInbox>,
    pub(super) authority_record: AuthorityRecord,
    /// The agent's action is not to be executed any more: a person took over since it was decided.
    pub(super) interrupted: bool,
    /// Takeovers that were seen: one may begin and end between two commands.
    pub(super) takeovers: u64,
    /// Set when the run is to end.
    pub(super) stop: Arc<AtomicBool>,
    /// Set once the user wants an episode in real time to end at once.
    pub(super) brake: Arc<AtomicBool>,
}

/// What one action came to.
#[derive(Clone, Debug)]
pub struct ActionOutcome {
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
            buffers: CommandBuffers::new(&description),
            path: SentPath::new(&guard, paths),
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
            missed_states: 0,
            takeover: None,
            authority_record: AuthorityRecord::default(),
            interrupted: false,
            takeovers: 0,
            stop: Arc::default(),
            brake: Arc::default(),
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

    /// How long one action is executed, nanoseconds.
    #[must_use]
    pub fn action_ns(&self) -> u64 {
        self.ticks_per_action.saturating_mul(self.pace.period_ns())
    }

    /// Control ticks a policy tick has.
    pub(crate) fn ticks_per_action(&self) -> u64 {
        self.ticks_per_action
    }

    /// What the robot itself says of the episode that has just ended.
    ///
    /// # Errors
    /// When the robot cannot tell, does not answer, or not with a verdict.
    pub fn verdict(&self) -> Result<EpisodeVerdict, ControlError> {
        Ok(self.link.verdict()?)
    }

    /// Whether the robot sets up scenes itself; a person has to otherwise.
    #[must_use]
    pub fn sets_up_scenes(&self) -> bool {
        self.link.sets_up_scenes()
    }
}
