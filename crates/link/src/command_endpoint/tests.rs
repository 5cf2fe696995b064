//! The arm's side without a network: what it does with an arm that follows what it is told.

use super::*;
use crate::wire::Chunk;
use apprentice_safety::{Checker, Homing};

const OWNER: u32 = 7;
const PERIOD_NS: u64 = 20_000_000;

/// An endpoint in lockstep before an FR3 that is where it was told to be, one period ago.
struct Arm {
    endpoint: CommandEndpoint,
    robot: RobotDescription,
    state: RobotState,
    sequence: u64,
}

impl Arm {
    fn at(positions: &[f64]) -> Self {
        let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
        robot.control_hz = 1e9 / PERIOD_NS as f64;
        let mut endpoint = CommandEndpoint::new(&robot, GateConfig::of(&robot), true).unwrap();
        let state = RobotState {
            sequence: 0,
            stamp_ns: 0,
            positions: positions.to_vec(),
            velocities: vec![0.0; 7],
            gripper_width: 0.04,
            efforts: None,
            external_wrench: None,
        };
        endpoint.measure(&state);
        endpoint.lease(OWNER, true);
        let mut arm = Self {
            endpoint,
            robot,
            state,
            sequence: 0,
        };
        arm.ask(Service::Acquire).unwrap();
        arm.ask(Service::Enable).unwrap();
        arm
    }

    fn ask(&mut self, service: Service) -> Result<Phase, String> {
        let stops = self.endpoint.status().stops;
        let client = OWNER;
        self.endpoint.serve(service, Request { client, stops })
    }

    /// One control period; what the arm was told.
    fn period(&mut self) -> Due {
        let due = self.endpoint.due();
        let before = self.state.positions.clone();
        if let Some(command) = &due.command {
            self.state.positions.clone_from(&command.positions);
        }
        let moved = self.state.positions.iter().zip(&before);
        self.state.velocities = moved
            .map(|(q, b)| (q - b) / (PERIOD_NS as f64 * 1e-9))
            .collect();
        self.state.stamp_ns += PERIOD_NS;
        self.state.sequence += 1;
        self.endpoint.measure(&self.state);
        due
    }

    fn command(&mut self, positions: &[f64]) {
        self.sequence += 1;
        let command = JointCommand {
            sequence: self.sequence,
            stamp_ns: 0,
            positions: positions.to_vec(),
            gripper_width: 0.04,
        };
        self.endpoint
            .command(Some(OWNER), &wire::encode_command(OWNER, &command));
    }
}

/// A joint that speeds up to nine tenths of what it may, and then is sent home in the middle of it: the way home
/// goes on from how it moves, and no step of it is faster or harder than the description allows.
#[test]
fn the_way_home_of_a_moving_arm_keeps_its_limits() {
    let mut homed = 0;
    for after in [3, 8, 15, 25] {
        let robot = RobotDescription::embedded("franka_fr3").unwrap();
        let mut arm = Arm::at(&robot.home);
        let mut checker = Checker::new(&arm.robot).unwrap();
        checker.restart(&arm.state);
        let mut judge = |arm: &Arm, due: &Due| {
            let command = JointCommand {
                sequence: arm.state.sequence,
                stamp_ns: 0,
                positions: arm.state.positions.clone(),
                gripper_width: 0.04,
            };
            assert_eq!(checker.check(&command, 0), [], "{due:?}");
        };
        let joint = &robot.joints[0];
        let seconds = PERIOD_NS as f64 * 1e-9;
        let (mut speed, mut target) = (0.0, robot.home.clone());
        // Up to its highest acceleration by jerk, and on.
        let jerk = joint.jerk.unwrap_or(f64::MAX) * 0.9;
        let mut acceleration = 0.0f64;
        for _ in 0..after {
            let more = acceleration + jerk * seconds;
            let most = (2.0 * jerk * (0.9 * joint.velocity - speed))
                .max(0.0)
                .sqrt();
            acceleration = more.min(0.9 * joint.acceleration).min(most);
            speed = (speed + acceleration * seconds).min(0.9 * joint.velocity);
            target[0] += speed * seconds;
            arm.command(&target);
            let due = arm.period();
            assert!(due.command.is_some(), "{:?}", arm.endpoint.gate.denials());
            judge(&arm, &due);
        }
        assert!(speed > 0.1);
        assert_eq!(arm.ask(Service::Home), Ok(Phase::Homing));
        let mut turned = false;
        while arm.endpoint.state().phase == Phase::Homing {
            let due = arm.period();
            turned |= arm.state.velocities[0] < 0.0;
            judge(&arm, &due);
        }
        assert!(turned && arm.endpoint.state().phase == Phase::Active);
        let away = arm.state.positions.iter().zip(&robot.home);
        assert!(away.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) < 1e-6);
        homed += 1;
    }
    assert_eq!(homed, 4);
}

#[test]
fn a_stop_on_the_way_home_drops_it() {
    let mut start = RobotDescription::embedded("franka_fr3").unwrap().home;
    start[0] += 0.5;
    let mut arm = Arm::at(&start);
    arm.ask(Service::Home).unwrap();
    for _ in 0..20 {
        arm.period();
    }
    assert_ne!(arm.state.positions, start);
    // Anybody's.
    let stranger = Request {
        client: 0,
        stops: 0,
    };
    let stopped = arm.endpoint.serve(Service::Stop, stranger);
    assert_eq!(stopped, Ok(Phase::Stopped));
    for _ in 0..500 {
        let due = arm.period();
        assert_eq!((due.phase, due.command), (Phase::Stopped, None));
    }
    assert_eq!(arm.ask(Service::Enable), Ok(Phase::Active));
    assert_eq!(arm.period().command, None, "it goes nowhere by itself");
}

/// From a posture whose straight way home leads through the arm itself.
#[test]
fn a_way_home_through_the_arm_itself_is_not_begun() {
    let robot = RobotDescription::embedded("franka_fr3").unwrap();
    let mut clearance = Clearance::new(&robot).unwrap();
    let mut rng: u64 = 1;
    let mut refused = 0;
    for _ in 0..400 {
        let mut start = robot.home.clone();
        for (q, joint) in start.iter_mut().zip(&robot.joints) {
            rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let share = (rng >> 33) as f64 / f64::from(1u32 << 31);
            *q = joint.position[0] + share * (joint.position[1] - joint.position[0]);
        }
        let way = Homing::new(&robot, &start, &robot.home).unwrap();
        let Err(why) = way.check(&robot, &mut clearance) else {
            continue;
        };
        let mut arm = Arm::at(&start);
        let answer = arm.ask(Service::Home).unwrap_err();
        assert!(answer.starts_with("home: after "), "{answer} {why}");
        assert_eq!(arm.endpoint.state().phase, Phase::Active);
        assert_eq!(arm.period().command, None);
        refused += 1;
    }
    println!("{refused} of 400 random ways home would cross the arm, its workspace or a limit");
    assert!(refused > 20, "{refused}");
}

#[test]
fn another_chunk_than_the_arms_leaves_it_to_fall_silent() {
    let home = RobotDescription::embedded("franka_fr3").unwrap().home;
    let mut arm = Arm::at(&home);
    for sequence in 1..=15 {
        let chunk = Chunk {
            sequence,
            stamp_ns: 0,
            period_ns: 20_000_000,
            joints: 6,
            numbers: vec![0.0; 70],
        };
        arm.endpoint
            .chunk(Some(OWNER), &wire::encode_chunk(OWNER, &chunk));
        arm.period();
    }
    assert_eq!(arm.endpoint.state().phase, Phase::Holding);
    assert_eq!(arm.endpoint.gate.denials().of(Denial::Dimension), 15);
}

/// A driver that hangs on the way home, or lets much time pass at once: the arm is sent on from rest, and never leaps.
#[test]
fn a_stall_on_the_way_home_makes_no_leap() {
    for stall in [3, 8, 30, 200] {
        let mut start = RobotDescription::embedded("franka_fr3").unwrap().home;
        start[0] += 0.5;
        let mut arm = Arm::at(&start);
        let mut checker = Checker::new(&arm.robot).unwrap();
        checker.restart(&arm.state);
        arm.ask(Service::Home).unwrap();
        let mut periods = 0u64;
        while arm.endpoint.state().phase == Phase::Homing {
            periods += 1;
            assert!(periods < 2000, "it does not arrive");
            if periods.is_multiple_of(40) {
                // The arm stands where it was told to be; nobody asks what it should do.
                arm.state.velocities.fill(0.0);
                arm.state.stamp_ns += stall * PERIOD_NS;
                arm.endpoint.measure(&arm.state);
                checker.restart(&arm.state);
            }
            arm.period();
            let command = JointCommand {
                sequence: periods,
                stamp_ns: 0,
                positions: arm.state.positions.clone(),
                gripper_width: 0.04,
            };
            assert_eq!(
                checker.check(&command, 0),
                [],
                "after {periods} periods, stall {stall}"
            );
        }
        assert_eq!(arm.endpoint.state().phase, Phase::Active);
    }
}
