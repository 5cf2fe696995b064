//! Who may command an arm, and which commands it may obey: the robot's own side.
//!
//! A [`Gate`] stands where commands arrive, before the arm: it belongs to the robot's driver, and does not
//! trust the runtime, its guard or the network. It never changes a command: it takes it or refuses it, says
//! why, and counts. One client owns the arm at a time, as long as its lease lives; when it falls silent the
//! arm holds after [`GateConfig::hold_after_ns`] and is stopped after [`GateConfig::stop_after_ns`], and then
//! moves again only once it is enabled anew. What follows from what is one table ([`transitions`]).
//!
//! Time is the receiver's own: a stamp in a message decides nothing.

mod client_sequences;
mod commands;
mod config;
mod denial;
mod motion_budget;
mod phase;
pub mod transitions;

pub use config::GateConfig;
pub use denial::{Denial, DenialCounts};
pub use phase::{Phase, Service};
pub use transitions::{Event, State, Stop};

use apprentice_core::RobotState;
use apprentice_robot::RobotDescription;
use client_sequences::ClientSequences;
use motion_budget::MotionBudget;

/// Who asks for a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The client's number.
    pub client: u32,
    /// Whether its lease is alive.
    pub alive: bool,
    /// Stops it knows of, as [`Gate::stops`] counts them: neither an `enable` nor an `acknowledge` lifts a stop that
    /// its sender could not know of.
    pub stops: u64,
}

/// Decides about each command that reaches an arm.
#[derive(Clone, Debug)]
pub struct Gate {
    config: GateConfig,
    budget: MotionBudget,
    state: State,
    owner: Option<u32>,
    sequences: ClientSequences,
    /// When the last command was taken, or the arm was enabled.
    last_message_ns: u64,
    /// When the arm said last where it is.
    measured_ns: Option<u64>,
    accepted: u64,
    stops: u64,
    denials: DenialCounts,
}

impl Gate {
    /// A gate before this robot, which belongs to nobody yet.
    #[must_use]
    pub fn new(description: &RobotDescription, config: GateConfig) -> Self {
        Self {
            config,
            budget: MotionBudget::new(description, &config),
            state: State::FREE,
            owner: None,
            sequences: ClientSequences::default(),
            last_message_ns: 0,
            measured_ns: None,
            accepted: 0,
            stops: 0,
            denials: DenialCounts::default(),
        }
    }

    /// What state it is in.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// What phase it is in.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.state.phase
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

    /// Stops that were asked for since it was made.
    #[must_use]
    pub fn stops(&self) -> u64 {
        self.stops
    }

    /// Messages refused since it was made.
    #[must_use]
    pub fn denials(&self) -> DenialCounts {
        self.denials
    }

    /// The arm has said where it is. Where it has not for [`GateConfig::measured_within_ns`] it takes no commands.
    pub fn measured(&mut self, now_ns: u64) {
        self.measured_ns = Some(now_ns);
    }

    /// A service is asked for; `arm` is how the joints are.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn serve(
        &mut self,
        service: Service,
        caller: Caller,
        arm: &RobotState,
        now_ns: u64,
    ) -> Result<Phase, Denial> {
        self.tick(now_ns);
        let asked = self.ask(service, caller, arm, now_ns);
        if let Err(denial) = asked {
            self.denials.count(denial);
        }
        asked
    }

    fn ask(
        &mut self,
        service: Service,
        caller: Caller,
        arm: &RobotState,
        now_ns: u64,
    ) -> Result<Phase, Denial> {
        let event = match service {
            Service::Acquire => Event::Acquire,
            Service::Release => Event::Release,
            Service::Enable => Event::Enable,
            Service::Stop => Event::Stop,
            Service::Acknowledge => Event::Acknowledge,
            Service::Recover => Event::Recover,
            Service::Home => Event::Home,
        };
        let Caller {
            client,
            alive,
            stops,
        } = caller;
        match event {
            Event::Acquire if self.owner.is_some_and(|owner| owner != client) => {
                return Err(Denial::Owned);
            }
            Event::Acquire if self.owner.is_none() && (client == 0 || !alive) => {
                return Err(Denial::NoLease);
            }
            _ => self.check_owner(event, client)?,
        }
        let after = self.state.on(event)?;
        let lifts = self.state.stop != Stop::None && after.stop == Stop::None;
        if lifts && stops != self.stops {
            return Err(Denial::Stopped);
        }
        if event == Event::Enable && after != self.state {
            if !self.is_measured(now_ns) {
                return Err(Denial::State);
            }
            self.budget.start(arm, now_ns)?;
            self.last_message_ns = now_ns;
        }
        match event {
            Event::Acquire => self.owner = Some(client),
            Event::Stop => self.stops += 1,
            _ => {}
        }
        self.follow(after);
        Ok(self.state.phase)
    }

    /// Some events are the owner's alone.
    fn check_owner(&self, event: Event, client: u32) -> Result<(), Denial> {
        if event.is_owners() && self.owner != Some(client) {
            return Err(Denial::NotOwner);
        }
        Ok(())
    }

    fn follow(&mut self, after: State) {
        self.state = after;
        if !after.owned {
            self.owner = None;
        }
    }

    /// Something happened that nobody asked for. What does not follow from the state is no event.
    fn happens(&mut self, event: Event) {
        if let Ok(after) = self.state.on(event) {
            self.follow(after);
        }
    }

    /// `client` asks for a new scene: whether it may. The arm has to be enabled anew in it.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn reset(&mut self, client: u32) -> Result<Phase, Denial> {
        let after = self
            .check_owner(Event::Reset, client)
            .and_then(|()| self.state.on(Event::Reset));
        match after {
            Ok(after) => {
                self.follow(after);
                Ok(after.phase)
            }
            Err(denial) => {
                self.denials.count(denial);
                Err(denial)
            }
        }
    }

    /// The lease of `client` is gone: if it was the owner, the arm stops and belongs to nobody.
    pub fn lease_lost(&mut self, client: u32) {
        if self.owner == Some(client) {
            self.happens(Event::LeaseLost);
        }
    }

    /// The arm itself reports a fault; it has to be recovered, then enabled.
    pub fn fault(&mut self) {
        self.happens(Event::Fault);
    }

    /// The arm has reached its home posture and can be commanded from there.
    ///
    /// # Errors
    /// When that is not where this arm can be.
    pub fn homed(&mut self, arm: &RobotState, now_ns: u64) -> Result<(), Denial> {
        if self.state.phase == Phase::Homing {
            self.budget.start_here(&arm.positions, now_ns)?;
            self.last_message_ns = now_ns;
            self.happens(Event::Arrived);
        }
        Ok(())
    }

    /// The arm was set somewhere else, as a simulated one is for a new scene, where its clock may begin anew:
    /// targets go on from there.
    ///
    /// # Errors
    /// When that is not where this arm can be.
    pub fn moved(&mut self, arm: &RobotState, now_ns: u64) -> Result<(), Denial> {
        self.measured_ns = Some(now_ns);
        self.last_message_ns = now_ns;
        if self.budget.is_before(now_ns) {
            self.budget.fill();
        }
        self.budget.start_here(&arm.positions, now_ns)
    }

    /// A message that could not be read.
    pub fn malformed(&mut self) {
        self.denials.count(Denial::Malformed);
    }

    /// Time has passed: notices silence. Answers whether the arm may go on towards its last command; it
    /// stays where it is otherwise.
    pub fn tick(&mut self, now_ns: u64) -> Phase {
        let silent = now_ns.saturating_sub(self.last_message_ns);
        if silent > self.config.hold_after_ns {
            self.happens(Event::Silent);
        }
        if silent > self.config.stop_after_ns {
            self.happens(Event::LongSilent);
        }
        self.state.phase
    }

    fn is_measured(&self, now_ns: u64) -> bool {
        self.measured_ns
            .is_some_and(|at| now_ns.saturating_sub(at) <= self.config.measured_within_ns)
    }
}

#[cfg(test)]
mod tests;
