//! What people, other clients and strangers do, one control period after the other.

use crate::cell::{Cell, RUNTIME};
use crate::watch::Watch;
use apprentice_core::JointCommand;
use apprentice_link::takeover::InProcess;
use apprentice_link::wire::{self, Chunk, Request, Takeover};
use apprentice_safety::gate::Stop;
use apprentice_safety::{Guard, GuardConfig, Service, TeleopMessage};
use proptest::prelude::*;

/// A person's devices; 13 holds no token.
const DEVICES: [u32; 3] = [11, 12, 13];
/// After so long a device that says nothing has let go, ns.
const SILENCE_NS: u64 = 200_000_000;

/// Something that somebody does.
#[derive(Clone, Debug)]
pub enum Act {
    Nothing,
    /// A client asks for a service, as one that knows of all stops or of none.
    Ask(Service, u32, bool),
    /// A client's lease comes or goes.
    Lease(u32, bool),
    /// A client sends a command this far from where the arm is; with a number that is its own, or a forged one.
    Command(u32, f64, Option<u64>),
    /// A client sends targets to come.
    Chunk(u32, usize),
    Malformed,
    Reset(u32),
    Fault,
    /// A device says: deadman, hand back; with its own next number, or a forged one.
    Say(usize, bool, bool, Option<u64>),
    /// A device's token comes or goes.
    Token(usize, bool),
    /// A person looks at the arm and acknowledges.
    Acknowledge,
}

/// A number that is not the next one: replayed, or from the end of all numbers.
fn forged() -> impl Strategy<Value = u64> {
    prop_oneof![Just(u64::MAX), Just(0), Just(1 << 40), 0u64..3]
}

fn act() -> impl Strategy<Value = Act> {
    let client = 1u32..5;
    let service = prop::sample::select(Service::ALL.to_vec());
    prop_oneof![
        60 => Just(Act::Nothing),
        6 => (service, client.clone(), any::<bool>()).prop_map(|(s, c, k)| match (s, c) {
            (Service::Acknowledge, _) => Act::Nothing,
            // What the runtime asks for is the runtime's own doing; anybody may stop in its name.
            (Service::Stop, c) => Act::Ask(Service::Stop, c, k),
            (_, RUNTIME) => Act::Nothing,
            (s, c) => Act::Ask(s, c, k),
        }),
        2 => (2u32..5, prop::bool::weighted(0.3)).prop_map(|(c, up)| Act::Lease(c, up)),
        6 => (2u32..5, -0.05..0.05f64, proptest::option::weighted(0.3, forged()))
            .prop_map(|(c, by, n)| Act::Command(c, by, n)),
        2 => (forged(), -1.0..1.0f64).prop_map(|(n, by)| Act::Command(RUNTIME, by, Some(n))),
        2 => (2u32..5, 0usize..8).prop_map(|(c, j)| Act::Chunk(c, j)),
        1 => Just(Act::Malformed),
        1 => (2u32..5).prop_map(Act::Reset),
        1 => Just(Act::Fault),
        16 => (0usize..3, any::<bool>(), any::<bool>(), proptest::option::weighted(0.2, forged()))
            .prop_map(|(d, dead, back, n)| Act::Say(d, dead, back, n)),
        1 => (0usize..2, any::<bool>()).prop_map(|(d, up)| Act::Token(d, up)),
        8 => Just(Act::Acknowledge),
    ]
}

/// What is done in so many control periods.
pub fn acts(ticks: usize) -> impl Strategy<Value = Vec<Vec<Act>>> {
    // Quiet for a while, and then much at once: an arm that is always disturbed never gets anywhere.
    let period = prop_oneof![
        4 => prop::collection::vec(Just(Act::Nothing), 1..2),
        2 => prop::collection::vec(act(), 0..8),
    ];
    prop::collection::vec(period, ticks)
}

/// What is handed back is the policy's so long after the device let go, ns.
const HAND_BACK_NS: u64 = 200_000_000;

#[derive(Clone, Copy, PartialEq)]
enum Held {
    Policy,
    By(usize),
    /// By nobody since this device let go: when it said so itself (ns), and whether it has handed back since.
    Nobody(usize, Option<u64>, bool),
}

pub struct World {
    pub cell: Cell,
    pub watch: Watch,
    pub steps: u64,
    /// The runtime's last number.
    pub sent: u64,
    devices: InProcess,
    acts: std::vec::IntoIter<Vec<Act>>,
    over: bool,
    numbers: [u64; 5],
    said: [u64; 3],
    heard_ns: [u64; 3],
    tokens: [bool; 3],
    held: Held,
    braking_ticks: usize,
}

impl World {
    pub fn new(cell: Cell, devices: InProcess, acts: Vec<Vec<Act>>) -> Self {
        let guard = Guard::new(&cell.robot, GuardConfig::default()).unwrap();
        for device in [0, 1] {
            devices.token(DEVICES[device], true);
        }
        Self {
            braking_ticks: guard.braking_ticks(),
            cell,
            watch: Watch::default(),
            steps: 0,
            sent: 0,
            devices,
            acts: acts.into_iter(),
            over: false,
            numbers: [1; 5],
            said: [1; 3],
            heard_ns: [0; 3],
            tokens: [true, true, false],
            held: Held::Policy,
        }
    }

    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Control periods pass, and everybody acts.
    pub fn pass(&mut self, periods: usize) {
        for _ in 0..periods {
            let Some(acts) = self.acts.next() else {
                self.over = true;
                return;
            };
            for act in acts {
                self.steps += u64::from(!matches!(act, Act::Nothing));
                self.act(&act);
            }
            self.steps += 1;
            self.cell.period();
            self.devices.set_time_ns(self.cell.state.stamp_ns);
            self.fall_silent();
            self.watch.check(&self.cell, self.braking_ticks);
        }
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Nothing => {}
            Act::Ask(service, client, knows) => self.ask(service, client, knows),
            Act::Lease(client, up) => self.cell.endpoint.lease(client, up),
            Act::Command(client, by, number) => {
                let sequence = number.unwrap_or_else(|| self.next(client));
                let mut positions = self.cell.state.positions.clone();
                positions[0] += by;
                let command = JointCommand {
                    sequence,
                    stamp_ns: 0,
                    positions,
                    gripper_width: 0.02,
                };
                // Numbers that the runtime has used already, or that leap; what its own next number would do
                // without keys is not claimed.
                if client == RUNTIME && sequence > self.sent && sequence < self.sent + (1 << 20) {
                    return;
                }
                let bytes = wire::encode_command(client, &command);
                self.cell.endpoint.command(Some(client), &bytes);
            }
            Act::Chunk(client, joints) => {
                let sequence = self.next(client);
                let mut numbers = Vec::new();
                for i in 0..10 {
                    let at = self.cell.state.positions.iter().chain([&0.0, &0.0, &0.0]);
                    numbers.extend(at.take(joints).map(|q| q + 0.003 * f64::from(i)));
                    numbers.push(0.02);
                }
                let chunk = Chunk {
                    sequence,
                    stamp_ns: 0,
                    period_ns: 20_000_000,
                    joints,
                    numbers,
                };
                let bytes = wire::encode_chunk(client, &chunk);
                self.cell.endpoint.chunk(Some(client), &bytes);
            }
            Act::Malformed => self.cell.endpoint.command(Some(2), &[0; 17]),
            Act::Reset(client) => _ = self.cell.endpoint.reset(client),
            Act::Fault => self.cell.endpoint.fault("a fault of the walk"),
            Act::Say(device, deadman, hand_back, number) => {
                self.say(device, deadman, hand_back, number);
            }
            Act::Token(device, up) => self.token(device, up),
            Act::Acknowledge => {
                if self.cell.ask(Service::Acknowledge, 0) {
                    self.watch.lifted();
                }
            }
        }
    }

    fn next(&mut self, client: u32) -> u64 {
        self.numbers[client as usize] += 1;
        self.numbers[client as usize]
    }

    fn ask(&mut self, service: Service, client: u32, knows: bool) {
        let status = self.cell.endpoint.status();
        let stops = if knows { status.stops } else { 0 };
        let granted = self
            .cell
            .endpoint
            .serve(service, Request { client, stops })
            .is_ok();
        match service {
            Service::Stop => {
                assert!(granted);
                self.watch.stopped(&self.cell);
            }
            // The owner's explicit act, which knows of the stop; or there is none to be lifted.
            Service::Enable if granted => {
                assert!(status.stop == Stop::None || (knows && status.stop == Stop::Owner));
                assert_eq!(status.owner, client);
                self.watch.lifted();
            }
            _ => {}
        }
    }

    fn say(&mut self, device: usize, deadman: bool, hand_back: bool, number: Option<u64>) {
        let own = number.is_none();
        let sequence = number.unwrap_or_else(|| {
            self.said[device] += 1;
            self.said[device]
        });
        // A first forged message of a device that has not spoken is as good as its own.
        if !own && self.said[device] <= 3 {
            return;
        }
        let takeover = Takeover {
            teleop: TeleopMessage {
                client: DEVICES[device],
                sequence,
                deadman,
                hand_back,
            },
            stamp_ns: 0,
            action: Vec::new(),
        };
        self.devices.send(takeover);
        if !self.tokens[device] {
            return;
        }
        let now_ns = self.cell.state.stamp_ns;
        let before = self.held;
        if own {
            self.heard_ns[device] = now_ns;
            self.held = match (self.held, deadman) {
                (Held::By(other), _) if other != device => self.held,
                (_, true) => Held::By(device),
                (Held::By(_), false) => Held::Nobody(device, Some(now_ns), false),
                (Held::Nobody(last, since, _), false) if last == device => Held::Nobody(
                    device,
                    since.or(Some(now_ns)),
                    since.is_some() && hand_back
                        || matches!(self.held, Held::Nobody(_, Some(_), true)),
                ),
                (held, false) => held,
            };
        } else if deadman && sequence <= self.said[device] {
            // Somebody replays a pressed deadman of the device that let go: it has to let go again.
            self.held = match self.held {
                Held::Nobody(last, ..) if last == device => Held::Nobody(device, None, false),
                held => held,
            };
        }
        self.holds(before);
    }

    fn token(&mut self, device: usize, up: bool) {
        self.devices.token(DEVICES[device], up);
        let before = self.held;
        if !up && self.held == Held::By(device) {
            self.held = Held::Nobody(device, None, false);
        }
        self.tokens[device] = up;
        self.holds(before);
    }

    fn fall_silent(&mut self) {
        let before = self.held;
        if let Held::By(device) = self.held
            && self.cell.state.stamp_ns - self.heard_ns[device] > SILENCE_NS
        {
            self.held = Held::Nobody(device, None, false);
        }
        if let Held::Nobody(_, Some(since_ns), true) = self.held
            && self.cell.state.stamp_ns - since_ns >= HAND_BACK_NS
        {
            self.held = Held::Policy;
        }
        self.holds(before);
    }

    fn holds(&mut self, before: Held) {
        match (before, self.held) {
            (Held::Nobody(..), Held::Nobody(..)) => {}
            (_, Held::Nobody(..)) => self.watch.nobody(&self.cell, self.braking_ticks),
            _ => self.watch.somebody(),
        }
    }
}
