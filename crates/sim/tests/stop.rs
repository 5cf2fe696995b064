//! Stop means stop: whatever hostile clients have done before, and whatever they do after, an arm that was asked
//! to stop is at rest within its braking time and stays there until somebody who may lifts it on purpose.
//!
//! Simulated: the joints' servos. Everything between the bytes of a message and the servos is the product's.
#![allow(clippy::unwrap_used)]

use apprentice_core::{JointCommand, RobotState};
use apprentice_link::CommandEndpoint;
use apprentice_link::wire::{self, Chunk, Request};
use apprentice_robot::RobotDescription;
use apprentice_safety::gate::{State, Stop};
use apprentice_safety::{GateConfig, Phase, Service};
use apprentice_sim::servo::{JointLimits, JointServo};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

const WALKS: u64 = 10_000;
/// Clients that want the arm; 3 never has a lease.
const CLIENTS: [u32; 3] = [1, 2, 3];
const STEP_S: f64 = 0.0025;

struct Cell {
    robot: RobotDescription,
    endpoint: CommandEndpoint,
    joints: Vec<JointServo>,
    state: RobotState,
    moving: bool,
    /// The next number of each client.
    numbers: [u64; 4],
    /// Hardest that any joint braked since this was cleared, as a share of what it may.
    braked: f64,
}

impl Cell {
    fn new(robot: &RobotDescription) -> Self {
        let servo = |(joint, &home): (&apprentice_robot::Joint, &f64)| {
            let limits = JointLimits {
                position: joint.position,
                velocity: 2.0 * joint.velocity,
                acceleration: 2.0 * joint.acceleration,
                braking: joint.acceleration,
            };
            JointServo::new(home, limits, 25.0, 1.0)
        };
        let mut cell = Self {
            endpoint: CommandEndpoint::new(robot, GateConfig::of(robot), true).unwrap(),
            joints: robot.joints.iter().zip(&robot.home).map(servo).collect(),
            robot: robot.clone(),
            state: RobotState {
                sequence: 0,
                stamp_ns: 0,
                positions: robot.home.clone(),
                velocities: vec![0.0; robot.joints.len()],
                gripper_width: 0.0,
                efforts: None,
                external_wrench: None,
            },
            moving: false,
            numbers: [1; 4],
            braked: 0.0,
        };
        cell.endpoint.measure(&cell.state);
        cell
    }

    /// One control period, as a driver does it.
    fn period(&mut self) {
        let due = self.endpoint.due();
        if !matches!(due.phase, Phase::Active | Phase::Homing) {
            if std::mem::take(&mut self.moving) {
                self.joints.iter_mut().for_each(JointServo::stop);
            }
        } else if let Some(command) = due.command {
            self.moving = true;
            let targets = self.joints.iter_mut().zip(&command.positions);
            targets.for_each(|(joint, &q)| joint.follow(q));
        }
        let period_s = 1.0 / self.robot.control_hz;
        for _ in 0..(period_s / STEP_S).round() as u64 {
            for (joint, limits) in self.joints.iter_mut().zip(&self.robot.joints) {
                let before = joint.velocity;
                joint.step(STEP_S);
                let change = (joint.velocity - before).abs() / STEP_S;
                self.braked = self.braked.max(change / limits.acceleration);
            }
        }
        self.state.positions = self.joints.iter().map(|j| j.position).collect();
        self.state.velocities = self.joints.iter().map(|j| j.velocity).collect();
        self.state.stamp_ns += (period_s * 1e9) as u64;
        self.endpoint.measure(&self.state);
    }

    /// Seconds in which it can be at rest: from the speeds it has now, one period to hear of it and one to see it.
    fn braking_s(&self) -> f64 {
        let slowest = self.joints.iter().zip(&self.robot.joints);
        let slowest = slowest.map(|(j, limits)| j.velocity.abs() / limits.acceleration);
        slowest.fold(0.0, f64::max) + 2.0 / self.robot.control_hz
    }

    fn speed(&self) -> f64 {
        self.joints
            .iter()
            .map(|j| j.velocity.abs())
            .fold(0.0, f64::max)
    }

    fn next(&mut self, client: u32) -> u64 {
        let number = &mut self.numbers[client as usize];
        *number += 1;
        *number
    }

    /// A command of this client that moves one joint a little from where the arm is.
    fn nudge(&mut self, client: u32, joint: usize, by: f64) {
        let mut positions = self.state.positions.clone();
        positions[joint] += by;
        let command = JointCommand {
            sequence: self.next(client),
            stamp_ns: 0,
            positions,
            gripper_width: 0.02,
        };
        self.endpoint
            .command(Some(client), &wire::encode_command(client, &command));
    }

    fn ask(&mut self, service: Service, client: u32) -> bool {
        let stops = self.endpoint.status().stops;
        self.endpoint
            .serve(service, Request { client, stops })
            .is_ok()
    }

    /// Something that somebody on the network may do; `lifting` leaves out what may lift a stop.
    fn hostile(&mut self, rng: &mut ChaCha8Rng, lifting: bool) {
        let client = CLIENTS[rng.random_range(0..3)];
        let number = match rng.random_range(0..20) {
            0 => u64::MAX,
            1 => self.numbers[client as usize].saturating_sub(3),
            _ => self.next(client),
        };
        let mut positions = self.state.positions.clone();
        let size = if rng.random_bool(0.7) { 0.02 } else { 3.0 };
        for q in &mut positions {
            *q += size * rng.random_range(-1.0..1.0);
        }
        match rng.random_range(0..16) {
            0..=5 => {
                let command = JointCommand {
                    sequence: number,
                    stamp_ns: rng.random(),
                    positions,
                    gripper_width: 0.02,
                };
                self.endpoint
                    .command(Some(client), &wire::encode_command(client, &command));
            }
            6 | 7 => {
                let points = rng.random_range(1..20);
                let joints = if rng.random_bool(0.1) {
                    6
                } else {
                    positions.len()
                };
                let mut numbers = Vec::new();
                for i in 0..points {
                    let drift = f64::from(i) * 0.004;
                    numbers.extend(positions.iter().take(joints).map(|q| q + drift));
                    numbers.push(0.02);
                }
                let chunk = Chunk {
                    sequence: number,
                    stamp_ns: 0,
                    period_ns: 20_000_000,
                    joints,
                    numbers,
                };
                self.endpoint
                    .chunk(Some(client), &wire::encode_chunk(client, &chunk));
            }
            8 => self.endpoint.command(Some(client), &[0; 40]),
            9 => self
                .endpoint
                .lease(client, rng.random_bool(0.8) && client != 3),
            10 => _ = self.ask(Service::Acquire, client),
            11 => _ = self.ask(Service::Home, client),
            12 => _ = self.ask(Service::Release, client),
            13 => _ = self.ask(Service::Recover, client),
            14 => _ = self.endpoint.reset(client),
            // An enable that was on its way when the stop came, or one that knows of it.
            _ if lifting => _ = self.ask(Service::Enable, client),
            _ => {
                let stops = self.endpoint.status().stops - 1;
                let _ = self
                    .endpoint
                    .serve(Service::Enable, Request { client, stops });
            }
        }
    }
}

#[test]
fn from_every_phase_a_stop_brings_the_arm_to_rest_until_an_explicit_act() {
    let robot = RobotDescription::embedded("franka_fr3").unwrap();
    let mut met: BTreeMap<String, u64> = BTreeMap::new();
    let (mut moved, mut lifted, mut hardest, mut slowest) = (0u64, 0u64, 0f64, 0f64);
    for seed in 0..WALKS {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut cell = Cell::new(&robot);
        for client in [1, 2] {
            cell.endpoint.lease(client, true);
        }
        let owner = CLIENTS[rng.random_range(0..2)];
        if rng.random_bool(0.9) {
            cell.ask(Service::Acquire, owner);
        }
        if rng.random_bool(0.8) {
            cell.ask(Service::Enable, owner);
        }
        for _ in 0..rng.random_range(0..40) {
            for _ in 0..rng.random_range(0..4) {
                cell.hostile(&mut rng, true);
            }
            // The owner moves it between what strangers do.
            let owner = cell.endpoint.status().owner;
            if owner != 0 {
                let by = rng.random_range(-0.05..0.05);
                cell.nudge(owner, rng.random_range(0..7), by);
            }
            match rng.random_range(0..90) {
                0 => cell.endpoint.fault("a fault of the walk"),
                1 => (0..15).for_each(|_| cell.period()),
                2 => (0..120).for_each(|_| cell.period()),
                3 => _ = cell.ask(Service::Stop, 3),
                _ => cell.period(),
            }
        }
        let before = cell.endpoint.state();
        *met.entry(before.name()).or_default() += 1;
        moved += u64::from(cell.speed() > 0.01);
        assert!(cell.ask(Service::Stop, CLIENTS[rng.random_range(0..3)]));
        let after = cell.endpoint.state();
        let expected = if before.phase == Phase::Faulted {
            Phase::Faulted
        } else {
            Phase::Stopped
        };
        assert_eq!(after.phase, expected, "walk {seed} from {before:?}");
        assert_ne!(after.stop, Stop::None);
        // At rest within its braking time, braking no harder than it may, whoever does what meanwhile.
        let patience = cell.braking_s();
        let periods = (patience * robot.control_hz).ceil() as u64;
        cell.braked = 0.0;
        for _ in 0..periods {
            cell.hostile(&mut rng, false);
            cell.period();
        }
        assert_eq!(
            cell.speed(),
            0.0,
            "walk {seed} from {before:?} after {patience} s"
        );
        hardest = hardest.max(cell.braked);
        slowest = slowest.max(patience);
        // And stays.
        let rest = cell.state.positions.clone();
        for _ in 0..150 {
            cell.hostile(&mut rng, false);
            cell.period();
            assert_eq!(cell.state.positions, rest, "walk {seed} from {before:?}");
        }
        let still = cell.endpoint.state();
        assert!(still.stop != Stop::None, "walk {seed}: {still:?}");
        lifted += u64::from(lift(&mut cell));
    }
    println!(
        "{WALKS} random walks stopped from {met:?}; {moved} arms were moving; at rest after at most {slowest:.3} s, \
         braking at most {hardest:.3} of the limit; {lifted} moved again after explicit acts"
    );
    assert!(hardest <= 1.0 + 1e-9, "{hardest}");
    assert!(moved > WALKS / 5, "too few arms moved: {moved}");
    assert_eq!(lifted, WALKS);
    assert_eq!(met.len(), State::ALL.len(), "not every state was met");
}

/// What people and owner do on purpose: then it moves again.
fn lift(cell: &mut Cell) -> bool {
    let clients = [1, 2];
    if cell.endpoint.status().owner == 0 {
        clients.iter().for_each(|c| cell.endpoint.lease(*c, true));
        assert!(cell.ask(Service::Acquire, 1));
    }
    let owner = cell.endpoint.status().owner;
    cell.ask(Service::Recover, owner);
    assert!(cell.ask(Service::Acknowledge, 3));
    assert!(cell.ask(Service::Enable, owner));
    let rest = cell.state.positions.clone();
    for _ in 0..5 {
        cell.nudge(owner, 6, 0.01);
        cell.period();
    }
    cell.state.positions != rest
}
