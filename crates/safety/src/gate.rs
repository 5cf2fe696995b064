//! Who may command an arm, and which commands it may obey: the robot's own side.
//!
//! A [`Gate`] stands where commands arrive, before the arm: it belongs to the robot's driver, and does not
//! trust the runtime, its guard or the network. It never changes a command: it takes it or refuses it, says
//! why, and counts. One client owns the arm at a time, as long as its lease lives; when it falls silent the
//! arm holds after [`GateConfig::hold_after_ns`] and is stopped after [`GateConfig::stop_after_ns`], and then
//! moves again only once it is enabled anew.
//!
//! Time is the receiver's own: a stamp in a message decides nothing.

mod denial;
mod phase;

pub use denial::{Denial, DenialCounts};
pub use phase::{Phase, Service};

use apprentice_core::JointCommand;
use apprentice_robot::RobotDescription;

/// How long a command may be missing, and how far targets may jump.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GateConfig {
    /// Silence after which the arm holds, nanoseconds.
    pub hold_after_ns: u64,
    /// Silence after which it is stopped and has to be enabled again, nanoseconds.
    pub stop_after_ns: u64,
    /// Movement that may be made up for at once, as time at a joint's highest speed, nanoseconds: commands
    /// that were held up on the way come together.
    pub burst_ns: u64,
    /// Largest distance of a target from the measured position, rad (or the joint's unit).
    pub lead_limit: f64,
    /// Commands a second that are taken on average; more are refused.
    pub rate_hz: f64,
}

impl GateConfig {
    /// 200 ms to hold and 2 s to stop (the watchdogs of franka-node 0.4.0), 100 ms of burst, a lead of 0.6
    /// (ours: a little more than the guard allows), two and a half times the control rate.
    #[must_use]
    pub fn of(description: &RobotDescription) -> Self {
        let period_ns = 1e9 / description.control_hz;
        Self {
            hold_after_ns: 200_000_000,
            stop_after_ns: 2_000_000_000,
            burst_ns: (5.0 * period_ns).max(100e6) as u64,
            lead_limit: 0.6,
            rate_hz: 2.5 * description.control_hz,
        }
    }
}

/// Limits of one joint, and what of them has been used.
#[derive(Clone, Copy, Debug)]
struct Joint {
    low: f64,
    high: f64,
    velocity: f64,
    /// Position of the last command that was taken.
    target: f64,
    /// How far the target may move now.
    allowance: f64,
}

/// Decides about each command that reaches an arm.
#[derive(Clone, Debug)]
pub struct Gate {
    config: GateConfig,
    joints: Vec<Joint>,
    widest: f64,
    phase: Phase,
    owner: Option<u32>,
    sequence: Option<u64>,
    /// When the last command was taken, or the arm was enabled.
    heard_ns: u64,
    /// Until when allowances have been credited.
    credited_ns: u64,
    /// Commands that may be taken now.
    commands: f64,
    accepted: u64,
    denials: DenialCounts,
}

impl Gate {
    /// A gate before this robot, which belongs to nobody yet.
    #[must_use]
    pub fn new(description: &RobotDescription, config: GateConfig) -> Self {
        let joints = description.joints.iter().zip(&description.home);
        Self {
            config,
            joints: joints
                .map(|(joint, &home)| Joint {
                    low: joint.position[0],
                    high: joint.position[1],
                    velocity: joint.velocity,
                    target: home,
                    allowance: 0.0,
                })
                .collect(),
            widest: description.gripper.map_or(f64::MAX, |g| g.max_width_m),
            phase: Phase::Free,
            owner: None,
            sequence: None,
            heard_ns: 0,
            credited_ns: 0,
            commands: 0.0,
            accepted: 0,
            denials: DenialCounts::default(),
        }
    }

    /// What state it is in.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Who owns the arm.
    #[must_use]
    pub fn owner(&self) -> Option<u32> {
        self.owner
    }

    /// Commands taken since it was made.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Messages refused since it was made.
    #[must_use]
    pub fn denials(&self) -> DenialCounts {
        self.denials
    }

    /// A service is asked for by `client`, whose lease is `alive` or not; `measured` are the joints as they
    /// are.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn serve(
        &mut self,
        service: Service,
        client: u32,
        alive: bool,
        measured: &[f64],
        now_ns: u64,
    ) -> Result<Phase, Denial> {
        let asked = self.ask(service, client, alive, measured, now_ns);
        match asked {
            Ok(phase) => self.phase = phase,
            Err(denial) => self.denials.count(denial),
        }
        asked
    }

    fn ask(
        &mut self,
        service: Service,
        client: u32,
        alive: bool,
        measured: &[f64],
        now_ns: u64,
    ) -> Result<Phase, Denial> {
        // Anyone may stop an arm; who owns it does not change by that.
        if service == Service::Stop {
            return Ok(match self.phase {
                Phase::Active | Phase::Holding => Phase::Stopped,
                other => other,
            });
        }
        if service == Service::Acquire {
            return match self.owner {
                Some(owner) if owner != client => Err(Denial::Owned),
                Some(_) => Ok(self.phase),
                None if client == 0 || !alive => Err(Denial::NoLease),
                None => {
                    self.owner = Some(client);
                    self.sequence = None;
                    Ok(match self.phase {
                        Phase::Free => Phase::Owned,
                        other => other,
                    })
                }
            };
        }
        if self.owner != Some(client) {
            return Err(Denial::NotOwner);
        }
        match (service, self.phase) {
            (Service::Release, phase) => {
                self.owner = None;
                Ok(if phase == Phase::Faulted {
                    phase
                } else {
                    Phase::Free
                })
            }
            (Service::Recover, Phase::Faulted) => Ok(Phase::Stopped),
            (Service::Recover, phase) => Ok(phase),
            (_, Phase::Faulted) => Err(Denial::Faulted),
            (Service::Enable, _) => {
                self.start_from(measured, now_ns)?;
                Ok(Phase::Active)
            }
            (Service::Home, Phase::Active | Phase::Holding) => Ok(Phase::Homing),
            (Service::Home, _) => Err(Denial::NotActive),
            (Service::Acquire | Service::Stop, phase) => Ok(phase),
        }
    }

    /// The lease of `client` is gone: if it was the owner, the arm stops and belongs to nobody.
    pub fn lease_lost(&mut self, client: u32) {
        if self.owner == Some(client) {
            self.owner = None;
            if self.phase != Phase::Faulted {
                self.phase = Phase::Free;
            }
        }
    }

    /// The arm itself reports a fault; it has to be recovered, then enabled.
    pub fn fault(&mut self) {
        self.phase = Phase::Faulted;
    }

    /// The arm has reached its home posture and can be commanded from there.
    ///
    /// # Errors
    /// When `measured` is not where this arm can be.
    pub fn homed(&mut self, measured: &[f64], now_ns: u64) -> Result<(), Denial> {
        if self.phase == Phase::Homing {
            self.start_from(measured, now_ns)?;
            self.phase = Phase::Active;
        }
        Ok(())
    }

    /// The arm was set somewhere else, as a simulated one is for a new scene: targets go on from there.
    ///
    /// # Errors
    /// When `measured` is not where this arm can be.
    pub fn moved(&mut self, measured: &[f64], now_ns: u64) -> Result<(), Denial> {
        self.start_from(measured, now_ns)
    }

    fn start_from(&mut self, measured: &[f64], now_ns: u64) -> Result<(), Denial> {
        if measured.len() != self.joints.len() || measured.iter().any(|q| !q.is_finite()) {
            return Err(Denial::Dimension);
        }
        let burst = self.config.burst_ns as f64 * 1e-9;
        for (joint, &q) in self.joints.iter_mut().zip(measured) {
            joint.target = q;
            joint.allowance = joint.velocity * burst;
        }
        self.commands = self.config.rate_hz * burst;
        self.heard_ns = now_ns;
        self.credited_ns = now_ns;
        Ok(())
    }

    /// A message that could not be read.
    pub fn malformed(&mut self) {
        self.denials.count(Denial::Malformed);
    }

    /// A command from `client`: taken, or refused and counted. `measured` are the joints as they are.
    ///
    /// # Errors
    /// Why it is not obeyed; the command before it still holds.
    pub fn admit(
        &mut self,
        client: u32,
        command: &JointCommand,
        measured: &[f64],
        now_ns: u64,
    ) -> Result<(), Denial> {
        self.credit(now_ns);
        let judged = self
            .may_command(client, command.sequence)
            .and_then(|()| self.judge(command, measured));
        match judged {
            Ok(()) => {
                self.take(command);
                self.hear(command.sequence, now_ns);
            }
            Err(denial) => self.denials.count(denial),
        }
        judged
    }

    /// Commands to come at their times from `client`: whether they may. Each is judged once it is due, by
    /// [`Gate::admit_due`]; together they count as one message, so that they bridge no longer a silence than
    /// a single command does.
    ///
    /// # Errors
    /// Why they are not obeyed; what was sent before still holds.
    pub fn begin_chunk(&mut self, client: u32, sequence: u64, now_ns: u64) -> Result<(), Denial> {
        let judged = self.may_command(client, sequence);
        match judged {
            Ok(()) => self.hear(sequence, now_ns),
            Err(denial) => self.denials.count(denial),
        }
        judged
    }

    /// A command of the chunk that was begun last is due.
    ///
    /// # Errors
    /// Why it is not obeyed.
    pub fn admit_due(
        &mut self,
        command: &JointCommand,
        measured: &[f64],
        now_ns: u64,
    ) -> Result<(), Denial> {
        self.credit(now_ns);
        let judged = if self.phase == Phase::Active {
            self.judge(command, measured)
        } else {
            Err(Denial::NotActive)
        };
        match judged {
            Ok(()) => self.take(command),
            Err(denial) => self.denials.count(denial),
        }
        judged
    }

    fn take(&mut self, command: &JointCommand) {
        for (joint, &q) in self.joints.iter_mut().zip(&command.positions) {
            joint.allowance -= (q - joint.target).abs();
            joint.target = q;
        }
        self.commands -= 1.0;
        self.accepted += 1;
    }

    fn hear(&mut self, sequence: u64, now_ns: u64) {
        self.sequence = Some(sequence);
        self.heard_ns = self.heard_ns.max(now_ns);
        if self.phase == Phase::Holding {
            self.phase = Phase::Active;
        }
    }

    /// Allows as much movement, and as many commands, as the time since the last credit is good for.
    fn credit(&mut self, now_ns: u64) {
        // A clock that goes back credits nothing.
        let passed = now_ns.saturating_sub(self.credited_ns) as f64 * 1e-9;
        self.credited_ns = self.credited_ns.max(now_ns);
        let burst = self.config.burst_ns as f64 * 1e-9;
        for joint in &mut self.joints {
            let most = joint.velocity * burst;
            joint.allowance = (joint.allowance + joint.velocity * passed).min(most);
        }
        self.commands = (self.commands + self.config.rate_hz * passed)
            .min((self.config.rate_hz * burst).max(1.0));
    }

    fn may_command(&self, client: u32, sequence: u64) -> Result<(), Denial> {
        if self.owner != Some(client) {
            return Err(Denial::NotOwner);
        }
        if !matches!(self.phase, Phase::Active | Phase::Holding) {
            return Err(Denial::NotActive);
        }
        if self.sequence.is_some_and(|before| sequence <= before) {
            return Err(Denial::Order);
        }
        Ok(())
    }

    fn judge(&self, command: &JointCommand, measured: &[f64]) -> Result<(), Denial> {
        if command.positions.len() != self.joints.len() || measured.len() != self.joints.len() {
            return Err(Denial::Dimension);
        }
        let finite = |v: &f64| v.is_finite();
        if !command.positions.iter().all(finite)
            || !command.gripper_width.is_finite()
            || !measured.iter().all(finite)
        {
            return Err(Denial::NotFinite);
        }
        if self.commands < 1.0 {
            return Err(Denial::Rate);
        }
        let rounding = 1e-9;
        for ((joint, &q), &at) in self.joints.iter().zip(&command.positions).zip(measured) {
            // An arm that starts outside its limits may come back.
            let (low, high) = (joint.low.min(joint.target), joint.high.max(joint.target));
            if q < low - rounding || q > high + rounding {
                return Err(Denial::Bounds);
            }
            if (q - joint.target).abs() > joint.allowance + rounding {
                return Err(Denial::Step);
            }
            if (q - at).abs() > self.config.lead_limit {
                return Err(Denial::Lead);
            }
        }
        if !(-rounding..=self.widest + rounding).contains(&command.gripper_width) {
            return Err(Denial::Bounds);
        }
        Ok(())
    }

    /// Time has passed: notices silence. Answers whether the arm may go on towards its last command; it
    /// stays where it is otherwise.
    pub fn tick(&mut self, now_ns: u64) -> Phase {
        let silent = now_ns.saturating_sub(self.heard_ns);
        match self.phase {
            Phase::Active | Phase::Holding if silent > self.config.stop_after_ns => {
                self.phase = Phase::Stopped;
            }
            Phase::Active if silent > self.config.hold_after_ns => self.phase = Phase::Holding,
            _ => {}
        }
        self.phase
    }
}

#[cfg(test)]
mod tests;
