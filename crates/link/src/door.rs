//! Where messages for an arm arrive: its gate, its clock, and what it was told last.

use crate::server::Due;
use crate::tokens::Tokens;
use crate::wire::{self, Chunk, Event, Status};
use apprentice_core::{JointCommand, RobotState};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Denial, Gate, GateConfig, Homing, Phase, Service};
use std::time::Instant;

/// How often a status is published when nothing changes, nanoseconds.
const STATUS_EVERY_NS: u64 = 1_000_000_000;
/// Leases that are known at once.
const MOST_LEASES: usize = 64;

/// What there may be to say.
pub(crate) type News = (Option<Status>, Option<Event>);

/// The robot's side of the link without the network. Not one of its methods waits.
pub(crate) struct Door {
    description: RobotDescription,
    gate: Gate,
    clock: Clock,
    measured: Vec<f64>,
    opening: f64,
    leases: Tokens,
    command: Option<JointCommand>,
    chunk: Option<Running>,
    homing: Option<(Homing, u64)>,
    newest_sequence: u64,
    said: Said,
}

/// A chunk, when it came, and the point that is due next.
struct Running {
    chunk: Chunk,
    since_ns: u64,
    next: usize,
}

/// What was published last.
struct Said {
    statuses: u64,
    events: u64,
    phase: Phase,
    owner: Option<u32>,
    at_ns: Option<u64>,
    why: Option<String>,
}

/// The time commands are judged by: monotonic, the robot's own.
enum Clock {
    /// The stamp of the newest state, nanoseconds.
    Lockstep(u64),
    Wall(Instant),
}

impl Clock {
    fn now_ns(&self) -> u64 {
        match self {
            Self::Lockstep(now_ns) => *now_ns,
            Self::Wall(since) => since.elapsed().as_nanos() as u64,
        }
    }
}

impl Door {
    pub fn new(description: &RobotDescription, config: GateConfig, lockstep: bool) -> Self {
        Self {
            gate: Gate::new(description, config),
            clock: if lockstep {
                Clock::Lockstep(0)
            } else {
                Clock::Wall(Instant::now())
            },
            measured: description.home.clone(),
            opening: 0.0,
            description: description.clone(),
            leases: Tokens::new(MOST_LEASES),
            command: None,
            chunk: None,
            homing: None,
            newest_sequence: 0,
            said: Said {
                statuses: 0,
                events: 0,
                phase: Phase::Free,
                owner: None,
                at_ns: None,
                why: None,
            },
        }
    }

    /// Where the arm is.
    pub fn measure(&mut self, state: &RobotState) {
        self.measured.clone_from(&state.positions);
        self.opening = state.gripper_width;
        if let Clock::Lockstep(now_ns) = &mut self.clock {
            *now_ns = state.stamp_ns;
        }
    }

    /// The arm was set somewhere else.
    pub fn moved(&mut self, state: &RobotState) {
        self.measure(state);
        self.command = None;
        self.chunk = None;
        self.homing = None;
        let now_ns = self.clock.now_ns();
        if let Err(denial) = self.gate.moved(&self.measured, now_ns) {
            self.fault(denial.advice());
        }
    }

    pub fn malformed(&mut self) {
        self.gate.malformed();
    }

    /// Whether a command has come that was not given yet.
    pub fn has_command(&self) -> bool {
        self.command.is_some()
    }

    pub fn newest_sequence(&self) -> u64 {
        self.newest_sequence
    }

    pub fn fault(&mut self, what: &str) {
        self.gate.fault();
        self.said.why = Some(format!("fault: {what}"));
    }

    /// A lease has come up, or is gone.
    pub fn lease(&mut self, client: u32, alive: bool) {
        if alive {
            self.leases.insert(client, self.gate.owner());
        } else if self.leases.remove(client) {
            if self.gate.owner() == Some(client) {
                self.said.why = Some(format!("the lease of client {client:08x} is gone"));
                self.homing = None;
            }
            self.gate.lease_lost(client);
        }
    }

    /// Something came from a client; whether its lease is known.
    pub fn hears_lease(&mut self, client: u32) -> bool {
        self.leases.hear(client)
    }

    /// Whether `client` may have a new scene.
    pub fn may_reset(&mut self, client: u32) -> Result<(), String> {
        if self.gate.owner() == Some(client) {
            return Ok(());
        }
        let denial = Denial::NotOwner;
        Err(format!("{}: {}", denial.name(), denial.advice()))
    }

    /// A message with a command came, on the key of a client.
    pub fn command(&mut self, from: Option<u32>, bytes: &[u8]) {
        let Ok((client, command)) = wire::decode_command(bytes) else {
            return self.gate.malformed();
        };
        if from != Some(client) {
            return self.gate.malformed();
        }
        self.newest_sequence = self.newest_sequence.max(command.sequence);
        let now_ns = self.clock.now_ns();
        let admitted = self.gate.admit(client, &command, &self.measured, now_ns);
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
        self.newest_sequence = self.newest_sequence.max(chunk.sequence);
        let now_ns = self.clock.now_ns();
        match self.gate.begin_chunk(client, chunk.sequence, now_ns) {
            Ok(()) => {
                self.command = None;
                self.chunk = Some(Running {
                    chunk,
                    since_ns: now_ns,
                    next: 0,
                });
            }
            Err(denial) => refused(client, denial),
        }
    }

    /// A service is asked for; the answer.
    pub fn serve(&mut self, service: Service, client: u32) -> Result<Phase, String> {
        let now_ns = self.clock.now_ns();
        let alive = self.leases.contains(client);
        let before = (self.gate.phase(), self.gate.owner());
        let mut answer = self
            .gate
            .serve(service, client, alive, &self.measured, now_ns)
            .map_err(|denial| format!("{}: {}", denial.name(), denial.advice()));
        if service == Service::Home && answer.is_ok() {
            match Homing::new(&self.description, &self.measured, &self.description.home) {
                Ok(way) => self.homing = Some((way, now_ns)),
                Err(why) => {
                    self.fault(&format!("the way home: {why}"));
                    answer = Err(why);
                }
            }
        }
        if (self.gate.phase(), self.gate.owner()) != before {
            if self.gate.phase() != Phase::Homing {
                self.homing = None;
            }
            self.command = None;
            self.chunk = None;
            self.said
                .why
                .get_or_insert_with(|| format!("{} by client {client:08x}", service.name()));
        }
        answer
    }

    /// What the arm should do now.
    pub fn due(&mut self) -> Due {
        let now_ns = self.clock.now_ns();
        let mut command = self.command.take();
        if self.gate.phase() == Phase::Homing {
            command = self.go_home(now_ns);
        } else if let Some(running) = &mut self.chunk {
            let due = running.due(now_ns);
            if let Some(due) = due
                && self.gate.admit_due(&due, &self.measured, now_ns).is_ok()
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
            }
        }
        Due { phase, command }
    }

    fn go_home(&mut self, now_ns: u64) -> Option<JointCommand> {
        let (way, since_ns) = self.homing.as_ref()?;
        let seconds = now_ns.saturating_sub(*since_ns) as f64 * 1e-9;
        let positions = way.at(seconds);
        // The joints lag behind what they are told; they are home when they have caught up.
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 0.02;
        let settled = seconds > way.duration_s() + 2.0;
        let arrived = self.measured.iter().zip(&self.description.home).all(near);
        if seconds >= way.duration_s() && (arrived || settled) {
            self.homing = None;
            if !arrived {
                self.fault("the arm did not reach its home posture");
            } else if let Err(denial) = self.gate.homed(&self.measured, now_ns) {
                self.fault(denial.advice());
            }
        }
        Some(JointCommand {
            sequence: 0,
            stamp_ns: now_ns,
            positions,
            gripper_width: self.opening,
        })
    }

    pub fn status(&self) -> Status {
        Status {
            sequence: self.said.statuses,
            stamp_ns: self.clock.now_ns(),
            phase: self.gate.phase(),
            owner: self.gate.owner().unwrap_or(0),
            accepted: self.gate.accepted(),
            denials: self.gate.denials(),
        }
    }

    /// What there is to publish: a status when something has changed or a second has passed, an event when
    /// the phase has changed.
    pub fn news(&mut self) -> News {
        let now_ns = self.clock.now_ns();
        let (phase, owner) = (self.gate.phase(), self.gate.owner());
        let changed = phase != self.said.phase || owner != self.said.owner;
        let due = self
            .said
            .at_ns
            .is_none_or(|at| now_ns.saturating_sub(at) >= STATUS_EVERY_NS);
        if !changed && !due {
            return (None, None);
        }
        self.said.statuses += 1;
        self.said.at_ns = Some(now_ns);
        let event = changed.then(|| {
            self.said.events += 1;
            let why = self.said.why.take().unwrap_or_else(|| match phase {
                Phase::Holding => "no command came for a while".into(),
                Phase::Stopped => "no command came for long; enable it to go on".into(),
                _ => "as asked".into(),
            });
            Event {
                sequence: self.said.events,
                stamp_ns: now_ns,
                phase,
                what: format!("{}: {why}", phase.name()),
            }
        });
        self.said.phase = phase;
        self.said.owner = owner;
        (Some(self.status()), event)
    }
}

fn refused(client: u32, denial: Denial) {
    tracing::debug!(
        "a command of client {client:08x} is refused: {}",
        denial.advice()
    );
}

impl Running {
    /// The newest point that is due and was not given before.
    fn due(&mut self, now_ns: u64) -> Option<JointCommand> {
        let passed = now_ns.saturating_sub(self.since_ns);
        let newest = (passed / u64::from(self.chunk.period_ns.max(1))) as usize;
        let newest = newest.min(self.chunk.points().saturating_sub(1));
        if newest < self.next {
            return None;
        }
        self.next = newest + 1;
        let (positions, gripper_width) = self.chunk.point(newest)?;
        Some(JointCommand {
            sequence: self.chunk.sequence,
            stamp_ns: self.chunk.stamp_ns,
            positions: positions.to_vec(),
            gripper_width,
        })
    }
}
