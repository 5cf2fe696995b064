//! The robot moves because of this file: actions become joint targets, the guard admits them, the
//! link sends them.

use crate::pace::Pace;
use crate::thinking::Decided;
use crate::{ControlError, GuardTotals};
use apprentice_core::{CartesianAction, JointCommand, Observation, RobotState};
use apprentice_link::{Arm, Freshness, LinkError, TakeoverInbox};
use apprentice_robot::{DifferentialIk, RobotDescription};
use apprentice_safety::{Authority, Checker, Guard, GuardConfig, Homing, Refusal, Refusals};
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
    /// The action that is being carried out, and when its newest command was due (ns).
    action: Option<(Vec<f32>, u64)>,
    /// Why commands were changed since the last action.
    refusals: Refusals,
    totals: GuardTotals,
    state: Option<RobotState>,
    takeover: Option<TakeoverInbox>,
    /// Who decided since the last action, and the last action a person wanted.
    decided: (Authority, Option<Vec<f32>>),
    /// The agent's action is not to be carried out any more: a person took over since it was decided.
    interrupted: bool,
    /// Takeovers that were seen: one may begin and end between two commands.
    takeovers: u64,
}

/// What one action came to.
#[derive(Clone, Debug)]
pub struct Acted {
    /// What the robot sees afterwards.
    pub observation: Observation,
    /// Why the guard changed commands since the last action.
    pub refusals: Refusals,
    /// Who decided: the person if one had the arm at any time, else nobody if nobody had it.
    pub authority: Authority,
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
        Ok(Self {
            guard: Guard::new(&description, guard)?,
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
            ticks_per_action: (description.control_hz / description.policy_hz)
                .round()
                .max(1.0) as u64,
            sequence: 0,
            target: Vec::new(),
            action: None,
            refusals: Refusals::default(),
            totals: GuardTotals::default(),
            state: None,
            takeover: None,
            decided: (Authority::Policy, None),
            interrupted: false,
            takeovers: 0,
            link,
        })
    }

    /// Lets people take over by the devices this inbox listens to.
    pub fn listen_to(&mut self, takeover: TakeoverInbox) {
        self.takeover = Some(takeover);
    }

    /// The agent decides anew: what it decides from now on counts, if the policy has the arm now. Whoever
    /// has it while the agent thinks voids that.
    pub(crate) fn rearm(&mut self) {
        let takeover = self.takeover.as_ref();
        self.takeovers = takeover.map_or(0, |t| t.counts().0);
        let authority = takeover.map_or(Authority::Policy, |t| t.decide().0);
        self.interrupted = authority != Authority::Policy;
    }

    /// Whether a person or nobody has had the arm since the agent decided.
    #[must_use]
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Who decides now; remembers it for the episode.
    fn authority(&mut self) -> (Authority, Vec<f32>) {
        let Some(takeover) = &self.takeover else {
            return (Authority::Policy, Vec::new());
        };
        let (authority, action) = takeover.decide();
        let takeovers = takeover.counts().0;
        let unseen = std::mem::replace(&mut self.takeovers, takeovers) != takeovers;
        match authority {
            Authority::Human => {
                self.decided.0 = Authority::Human;
                if !action.is_empty() {
                    self.decided.1 = Some(action.clone());
                }
            }
            Authority::Policy if !unseen => {}
            _ if self.decided.0 == Authority::Policy => self.decided.0 = Authority::Nobody,
            _ => {}
        }
        self.interrupted |= unseen || authority != Authority::Policy;
        (authority, action)
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

    /// Asks for a new scene and starts from where the robot is now.
    ///
    /// # Errors
    /// When the robot cannot be reset or does not answer, or where it is cannot be started from.
    pub fn reset(&mut self, seed: u64) -> Result<Observation, ControlError> {
        let made = self.link.sets_up_scenes();
        let observation = if made {
            // The arm is enabled where it stands in the new scene.
            let seen = self.link.reset(seed)?;
            self.link.engage()?;
            seen
        } else {
            self.link.engage()?;
            self.link.latest(true, self.freshness)?
        };
        if !self.guard.restart(&observation.state) {
            return Err(ControlError::NoStart(self.description().name.clone()));
        }
        self.checker.restart(&observation.state);
        self.target.clone_from(&observation.state.positions);
        self.pace.restart();
        self.action = None;
        self.refusals = Refusals::default();
        if let Some(takeover) = &self.takeover {
            takeover.begin();
        }
        self.decided = (Authority::Policy, None);
        self.rearm();
        self.state = Some(observation.state.clone());
        if made {
            Ok(observation)
        } else {
            self.go_home()
        }
    }

    /// Whether the robot sets up scenes itself; a person has to otherwise.
    #[must_use]
    pub fn sets_up_scenes(&self) -> bool {
        self.link.sets_up_scenes()
    }

    /// Moves an arm that cannot be set up to its home posture, through the guard like any motion, and
    /// answers what it sees there.
    fn go_home(&mut self) -> Result<Observation, ControlError> {
        let description = self.description().clone();
        let start = self.target.clone();
        let width = self.state.as_ref().map_or(0.0, |s| s.gripper_width);
        let way = Homing::new(&description, &start, &description.home)
            .map_err(|reason| ControlError::Home(description.name.clone(), reason))?;
        let mut seconds = 0.0;
        // What the guard slows down arrives a little later.
        let patience = way.duration_s() * 1.5 + 2.0;
        let away = |at: &[f64]| {
            let apart = at.iter().zip(&description.home).map(|(a, b)| (a - b).abs());
            apart.fold(0.0, f64::max)
        };
        loop {
            seconds += self.pace.period_ns() as f64 * 1e-9;
            self.propose(way.at(seconds), width)?;
            let arrived = seconds > way.duration_s() && away(&self.target) < 1e-3;
            let seen = self.wait(arrived)?;
            if arrived && self.guard.is_at_rest() {
                return Ok(seen);
            }
            if seconds > patience {
                let reason = format!(
                    "it is still {:.3} rad (or units) away after {patience:.1} s",
                    away(&self.target)
                );
                return Err(ControlError::Home(description.name, reason));
            }
        }
    }

    /// Sends the command that goes towards joint targets of now.
    fn propose(&mut self, positions: Vec<f64>, width: f64) -> Result<(), ControlError> {
        let now_ns = self.pace.now_ns();
        self.send(Ok(((positions, width), now_ns)), now_ns)
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
        let mut due_ns = due_ns;
        let mut observation = None;
        for tick in 1..=self.ticks_per_action {
            let last = tick == self.ticks_per_action;
            self.command_authorised(Some((action, due_ns)))?;
            let seen = self.wait(last)?;
            if last {
                self.action = Some((action.to_vec(), due_ns));
                observation = Some(seen);
            }
            due_ns = due_ns.saturating_add(self.pace.period_ns());
        }
        let observation = observation.ok_or(ControlError::Stopped)?;
        Ok(self.acted(observation))
    }

    /// What there is to say since the last action.
    pub(crate) fn acted(&mut self, observation: Observation) -> Acted {
        let (authority, human) = std::mem::replace(&mut self.decided, (Authority::Policy, None));
        Acted {
            observation,
            refusals: std::mem::take(&mut self.refusals),
            authority,
            human,
        }
    }

    /// One control tick in real time: goes on with the agent's action that was due at a time (ns), or with
    /// a person's, or brakes; then waits for the period to end and answers what came.
    ///
    /// # Errors
    /// As [`Self::act`].
    pub(crate) fn tick(
        &mut self,
        action: Option<(&[f32], u64)>,
        want_frames: bool,
    ) -> Result<Observation, ControlError> {
        self.command_authorised(action)?;
        self.wait(want_frames)
    }

    /// How long after it was due the newest control tick began, nanoseconds.
    pub(crate) fn lateness_ns(&self) -> u64 {
        self.pace.lateness_ns()
    }

    /// Time between commands, nanoseconds.
    pub(crate) fn period_ns(&self) -> u64 {
        self.pace.period_ns()
    }

    /// Control ticks a policy tick has.
    pub(crate) fn ticks_per_action(&self) -> u64 {
        self.ticks_per_action
    }

    /// Sends what whoever has the arm wants.
    fn command_authorised(&mut self, action: Option<(&[f32], u64)>) -> Result<(), ControlError> {
        match self.authority() {
            (Authority::Policy, _) if !self.interrupted => self.command(action),
            (Authority::Human, wanted) if !wanted.is_empty() => {
                let now_ns = self.pace.now_ns();
                self.command(Some((&wanted, now_ns)))
            }
            _ => self.command(None),
        }
    }

    /// Commands a robot in real time until the agent has decided: first towards where it was going, and
    /// once that is older than `guard.stale_ms`, to a stop.
    ///
    /// # Errors
    /// As [`Self::act`].
    pub(crate) fn hold_until(&mut self, decided: &Decided) -> Result<(), ControlError> {
        // An agent that answers at once is not in need of a command in between.
        if decided.wait(Duration::from_nanos(self.pace.period_ns() / 4)) {
            return Ok(());
        }
        let action = self.action.take();
        loop {
            self.command_authorised(action.as_ref().map(|(numbers, due)| (&numbers[..], *due)))?;
            self.wait(false)?;
            if decided.wait(Duration::ZERO) {
                return Ok(());
            }
        }
    }

    /// Brings an arm in real time to rest, as hard as its limits allow. In lockstep time stands still,
    /// and the arm with it.
    ///
    /// # Errors
    /// When commands cannot be sent; what the robot publishes does not matter here.
    pub fn halt(&mut self) -> Result<(), ControlError> {
        if self.is_lockstep() || self.state.is_none() {
            return Ok(());
        }
        self.action = None;
        for _ in 0..self.guard.braking_ticks() {
            if self.guard.is_at_rest() {
                break;
            }
            self.command(None)?;
            self.pace.pass();
        }
        Ok(())
    }

    /// Gives the arm back, at rest.
    ///
    /// # Errors
    /// As [`Self::halt`].
    pub fn release(&mut self) -> Result<(), ControlError> {
        let halted = self.halt();
        let released = self.link.disengage();
        halted?;
        Ok(released?)
    }

    /// Sends the command that goes on with an action which was due at a time (ns), or brakes.
    fn command(&mut self, action: Option<(&[f32], u64)>) -> Result<(), ControlError> {
        let proposed = match action {
            Some((action, due_ns)) => self.joint_targets(action).map(|targets| (targets, due_ns)),
            None => Err(Refusal::Stale),
        };
        let now_ns = self.pace.now_ns();
        self.send(proposed, now_ns)
    }

    /// Sends what the guard makes of joint targets that were due at a time (ns), or of what makes them none.
    fn send(
        &mut self,
        proposed: Result<((Vec<f64>, f64), u64), Refusal>,
        now_ns: u64,
    ) -> Result<(), ControlError> {
        let Some(state) = &self.state else {
            return Err(ControlError::NoStart(self.description().name.clone()));
        };
        self.sequence += 1;
        let admitted = match proposed {
            Ok(((positions, gripper_width), stamp_ns)) => {
                let proposed = JointCommand {
                    sequence: self.sequence,
                    stamp_ns,
                    positions,
                    gripper_width,
                };
                self.guard.admit(&proposed, state, now_ns)
            }
            Err(reason) => self.guard.hold(reason, state, now_ns),
        };
        self.refusals.merge(admitted.refusals);
        self.totals.count(admitted.refusals);
        let mut command = admitted.command;
        command.sequence = self.sequence;
        for violation in self.checker.check(&command, now_ns) {
            tracing::error!(
                "command {} left the guard of {} outside the limits: {}",
                violation.sequence,
                self.link.description().name,
                violation.what
            );
        }
        self.target.clone_from(&command.positions);
        Ok(self.link.send(&command)?)
    }

    /// Joint targets for an action, or what makes it none.
    fn joint_targets(&self, action: &[f32]) -> Result<(Vec<f64>, f64), Refusal> {
        if action.len() != self.description().action_dim() {
            return Err(Refusal::Dimension);
        }
        if action.iter().any(|v| !v.is_finite()) {
            return Err(Refusal::NotFinite);
        }
        let Some(ik) = &self.ik else {
            let joints = self.description().joints.len();
            let mut positions: Vec<f64> = action.iter().map(|&v| f64::from(v)).collect();
            let opening = positions.get(joints).copied().unwrap_or(0.0);
            positions.truncate(joints);
            return Ok((positions, opening));
        };
        let action = CartesianAction::from_vector(action).ok_or(Refusal::NotAPose)?;
        let period = self.pace.period_ns() as f64 * 1e-9;
        Ok((
            ik.step(&self.target, &action.pose, period),
            action.gripper_width,
        ))
    }

    /// Brakes while a robot in real time is silent, until the arm should be at rest and as long again as
    /// it may be silent. A stall of this machine that ends before is no reason to end an episode.
    fn brake_out(
        &mut self,
        want_frames: bool,
        mut error: LinkError,
    ) -> Result<Observation, LinkError> {
        let until = self.pace.now_ns() + self.freshness.state.as_nanos() as u64;
        while matches!(error, LinkError::Stale { .. })
            && !(self.guard.is_at_rest() && self.pace.now_ns() > until)
        {
            if let Err(also) = self.command(None) {
                tracing::warn!("the robot could not be told to stop: {also}");
                break;
            }
            self.pace.pass();
            match self.link.latest(want_frames, self.freshness) {
                Ok(seen) => return Ok(seen),
                Err(newer) => error = newer,
            }
        }
        Err(error)
    }

    /// Lets one control period pass, in the robot's time or in ours, and looks what came.
    fn wait(&mut self, want_frames: bool) -> Result<Observation, ControlError> {
        let seen = if self.link.is_lockstep() {
            let period_ns = self.pace.period_ns();
            let seen = self.link.advance(period_ns, want_frames);
            self.pace.pass();
            seen
        } else {
            self.pace.pass();
            match self.link.latest(want_frames, self.freshness) {
                Err(error @ LinkError::Stale { .. }) => self.brake_out(want_frames, error),
                seen => seen,
            }
        };
        match seen {
            Ok(seen) => {
                self.state = Some(seen.state.clone());
                Ok(seen)
            }
            Err(error) => {
                // Whatever the robot still hears must not leave it moving.
                if let Err(also) = self.halt() {
                    tracing::warn!("the robot could not be told to stop: {also}");
                }
                Err(error.into())
            }
        }
    }
}
