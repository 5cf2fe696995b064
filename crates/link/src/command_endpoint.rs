//! Where messages for an arm arrive: its gate, its clock, its way home, and what it was told last.

mod active_chunk;
mod clock;
mod homing;
mod published;
mod target_history;

use crate::due::Due;
use crate::tokens::Tokens;
use crate::wire::{self, Event, Request, Status};
use active_chunk::ActiveChunk;
use apprentice_core::{JointCommand, RobotState};
use apprentice_robot::RobotDescription;
use apprentice_safety::gate::State;
use apprentice_safety::{
    Caller, Clearance, Denial, Gate, GateConfig, GuardError, Homing, Phase, Service,
};
use clock::Clock;
use homing::{HomingProgress, HomingStep};
use published::Published;
use target_history::TargetHistory;

/// How often a status is published when nothing changes, nanoseconds.
const STATUS_EVERY_NS: u64 = 1_000_000_000;
/// Leases that are known at once.
const MOST_LEASES: usize = 64;

/// What there may be to say.
pub type Unpublished = (Option<Status>, Option<Event>);

/// The robot's side of the link without the network: takes bytes, says what the arm should do. Not one of its
/// methods waits.
pub struct CommandEndpoint {
    description: RobotDescription,
    gate: Gate,
    clock: Clock,
    /// How the arm said last it is; its home before it has said anything, when nothing is obeyed.
    measured: RobotState,
    clearance: Clearance,
    targets: TargetHistory,
    leases: Tokens,
    command: Option<JointCommand>,
    chunk: Option<ActiveChunk>,
    homing: Option<HomingProgress>,
    newest_sequence: u64,
    published: Published,
}

impl CommandEndpoint {
    /// Before this robot, whose time passes by itself or, in `lockstep`, by the stamps of its states.
    ///
    /// # Errors
    /// When the robot's description does not let its way home be checked.
    pub fn new(
        description: &RobotDescription,
        config: GateConfig,
        lockstep: bool,
    ) -> Result<Self, GuardError> {
        Ok(Self {
            clearance: Clearance::new(description)?,
            targets: TargetHistory::default(),
            gate: Gate::new(description, config),
            clock: Clock::start(lockstep),
            measured: RobotState {
                sequence: 0,
                stamp_ns: 0,
                positions: description.home.clone(),
                velocities: vec![0.0; description.joints.len()],
                gripper_width: 0.0,
                efforts: None,
                external_wrench: None,
            },
            description: description.clone(),
            leases: Tokens::new(MOST_LEASES),
            command: None,
            chunk: None,
            homing: None,
            newest_sequence: 0,
            published: Published::nothing(),
        })
    }

    /// How the arm is.
    pub fn measure(&mut self, state: &RobotState) {
        self.measured.clone_from(state);
        if let Clock::Lockstep(now_ns) = &mut self.clock {
            *now_ns = state.stamp_ns;
        }
        self.gate.measured(self.clock.now_ns());
    }

    /// The arm was set somewhere else.
    pub fn moved(&mut self, state: &RobotState) {
        self.measure(state);
        self.drop_commands();
        self.targets.forget();
        let now_ns = self.clock.now_ns();
        if let Err(denial) = self.gate.moved(&self.measured, now_ns) {
            self.fault(denial.advice());
        }
    }

    /// What was commanded does not hold any more.
    fn drop_commands(&mut self) {
        self.command = None;
        self.chunk = None;
        self.homing = None;
    }

    /// A message came that cannot be read.
    pub fn malformed(&mut self) {
        self.gate.malformed();
    }

    /// Whether a command has come that was not given yet.
    #[must_use]
    pub fn has_command(&self) -> bool {
        self.command.is_some()
    }

    /// Highest sequence number that came from the owner, obeyed or not.
    #[must_use]
    pub fn newest_sequence(&self) -> u64 {
        self.newest_sequence
    }

    /// How the arm stands for those who command it.
    #[must_use]
    pub fn state(&self) -> State {
        self.gate.state()
    }

    /// The arm reports a fault, in one line.
    pub fn fault(&mut self, what: &str) {
        self.gate.fault();
        self.published.why = Some(format!("fault: {what}"));
    }

    /// A lease has come up, or is gone.
    pub fn lease(&mut self, client: u32, alive: bool) {
        if alive {
            self.leases.insert(client, self.gate.owner());
        } else if self.leases.remove(client) {
            if self.gate.owner() == Some(client) {
                self.published.why = Some(format!("the lease of client {client:08x} is gone"));
                self.drop_commands();
            }
            self.gate.lease_lost(client);
        }
    }

    /// Something came from a client; whether its lease is known.
    pub fn lease_is_known(&mut self, client: u32) -> bool {
        self.leases.touch(client)
    }

    /// A message with a command came, on the key of a client.
    pub fn command(&mut self, from: Option<u32>, bytes: &[u8]) {
        let Ok((client, command)) = wire::decode_command(bytes) else {
            return self.gate.malformed();
        };
        if from != Some(client) {
            return self.gate.malformed();
        }
        let now_ns = self.clock.now_ns();
        let measured = &self.measured.positions;
        let admitted = self.gate.admit(client, &command, measured, now_ns);
        self.arrived(command.sequence, admitted);
        match admitted {
            Ok(()) => {
                self.command = Some(command);
                self.chunk = None;
            }
            Err(denial) => refused(client, denial),
        }
    }

    /// A message with targets to come came, on the key of a client.
    pub fn chunk(&mut self, from: Option<u32>, bytes: &[u8]) {
        let Ok((client, chunk)) = wire::decode_chunk(bytes) else {
            return self.gate.malformed();
        };
        if from != Some(client) {
            return self.gate.malformed();
        }
        let now_ns = self.clock.now_ns();
        let Some(first) = chunk.command(0) else {
            return self.gate.malformed();
        };
        let measured = &self.measured.positions;
        let begun = self.gate.begin_chunk(client, &first, measured, now_ns);
        self.arrived(chunk.sequence, begun);
        match begun {
            Ok(()) => {
                self.command = None;
                self.chunk = Some(ActiveChunk {
                    chunk,
                    since_ns: now_ns,
                    next: 0,
                });
            }
            Err(denial) => refused(client, denial),
        }
    }

    /// Somebody may be waiting for a message of the owner, obeyed or not; a stranger's number, or one that leaps,
    /// is not what they wait for.
    fn arrived(&mut self, sequence: u64, judged: Result<(), Denial>) {
        if !matches!(judged, Err(Denial::NotOwner | Denial::Sequence)) {
            self.newest_sequence = self.newest_sequence.max(sequence);
        }
    }

    /// A service is asked for; the answer.
    ///
    /// # Errors
    /// The reason's name, and what to do, in one line.
    pub fn serve(&mut self, service: Service, request: Request) -> Result<Phase, String> {
        let now_ns = self.clock.now_ns();
        let client = request.client;
        let caller = Caller {
            client,
            alive: self.leases.contains(client),
            stops: request.stops,
        };
        let before = (self.gate.state(), self.gate.owner());
        // A way that cannot be gone is not begun.
        let may_go =
            before.1 == Some(client) && matches!(before.0.phase, Phase::Active | Phase::Holding);
        let way = if service == Service::Home && may_go {
            Some(self.plan_homing().map_err(|why| format!("home: {why}"))?)
        } else {
            None
        };
        let answer = self
            .gate
            .serve(service, caller, &self.measured, now_ns)
            .map_err(explain);
        let after = (self.gate.state(), self.gate.owner());
        if after != before {
            self.drop_commands();
            if let Some(way) = way.filter(|_| after.0.phase == Phase::Homing) {
                // It goes on from the last target, which was due when that was given.
                let at_ns = self.targets.at_ns().unwrap_or(now_ns);
                self.homing = Some(HomingProgress::new(way, at_ns));
            }
            self.published
                .why
                .get_or_insert_with(|| format!("{} by client {client:08x}", service.name()));
        }
        answer
    }

    /// A new scene is asked for; whether it may be set up, which ends with [`Self::moved`].
    ///
    /// # Errors
    /// As [`Self::serve`].
    pub fn reset(&mut self, client: u32) -> Result<Phase, String> {
        let granted = self.gate.reset(client).map_err(explain)?;
        self.drop_commands();
        self.published
            .why
            .get_or_insert_with(|| format!("reset by client {client:08x}"));
        Ok(granted)
    }

    /// The way home, from how the arm moves now.
    fn plan_homing(&mut self) -> Result<Homing, String> {
        let start = self.targets.motion(&self.measured.positions);
        homing::plan(&self.description, &mut self.clearance, &start)
    }

    /// The next step of the way home.
    fn homing_step(&mut self, now_ns: u64) -> Option<JointCommand> {
        let homing = self.homing.as_mut()?;
        let measured = &self.measured.positions;
        let positions = match homing.step(&self.description, &mut self.clearance, measured, now_ns)
        {
            HomingStep::Goes(positions) => positions,
            HomingStep::Arrives(positions) => {
                self.homing = None;
                if let Err(denial) = self.gate.homed(&self.measured, now_ns) {
                    self.fault(denial.advice());
                }
                positions
            }
            HomingStep::Misses(positions) => {
                self.homing = None;
                self.fault("the arm did not reach its home posture");
                positions
            }
            HomingStep::Blocked(why) => {
                self.homing = None;
                self.fault(&format!("the way home after a stall: {why}"));
                return None;
            }
        };
        Some(JointCommand {
            sequence: 0,
            stamp_ns: now_ns,
            positions,
            gripper_width: self.measured.gripper_width,
        })
    }

    /// What the arm should do now.
    pub fn due(&mut self) -> Due {
        let now_ns = self.clock.now_ns();
        let mut command = self.command.take();
        if self.gate.phase() == Phase::Homing {
            command = self.homing_step(now_ns);
        } else if let Some(running) = &mut self.chunk {
            let due = running.due(now_ns);
            if let Some(due) = due
                && self
                    .gate
                    .admit_due(&due, &self.measured.positions, now_ns)
                    .is_ok()
            {
                command = Some(due);
            }
        }
        let phase = self.gate.tick(now_ns);
        if !matches!(phase, Phase::Active | Phase::Homing) {
            // What was commanded before a stop must not come back after it.
            command = None;
            if phase != Phase::Holding {
                self.chunk = None;
                self.homing = None;
            }
        }
        if matches!(phase, Phase::Active | Phase::Homing) {
            self.targets.record(now_ns, command.as_ref());
        } else {
            self.targets.forget();
        }
        Due { phase, command }
    }

    /// How the arm stands, as it is published.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            sequence: self.published.statuses,
            stamp_ns: self.clock.now_ns(),
            phase: self.gate.phase(),
            stop: self.gate.state().stop,
            stops: self.gate.stops(),
            owner: self.gate.owner().unwrap_or(0),
            accepted: self.gate.accepted(),
            denials: self.gate.denials(),
        }
    }

    /// What there is to publish: a status when something has changed or a second has passed, an event when
    /// the phase has changed.
    pub fn unpublished(&mut self) -> Unpublished {
        let now_ns = self.clock.now_ns();
        let (phase, owner) = (self.gate.phase(), self.gate.owner());
        let changed = self.gate.state() != self.published.state || owner != self.published.owner;
        let due = self
            .published
            .at_ns
            .is_none_or(|at| now_ns.saturating_sub(at) >= STATUS_EVERY_NS);
        if !changed && !due {
            return (None, None);
        }
        self.published.statuses += 1;
        self.published.at_ns = Some(now_ns);
        let event = changed.then(|| {
            self.published.events += 1;
            let why = self.published.take_why(phase);
            Event {
                sequence: self.published.events,
                stamp_ns: now_ns,
                phase,
                what: format!("{}: {why}", phase.name()),
            }
        });
        self.published.state = self.gate.state();
        self.published.owner = owner;
        (Some(self.status()), event)
    }
}

/// A refusal as it is answered.
fn explain(denial: Denial) -> String {
    format!("{}: {}", denial.name(), denial.advice())
}

fn refused(client: u32, denial: Denial) {
    tracing::debug!(
        "a command of client {client:08x} is refused: {}",
        denial.advice()
    );
}

#[cfg(test)]
mod tests;
