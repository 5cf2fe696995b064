//! A million random and hostile commands and measurements, and not one command beyond a limit.
#![allow(clippy::unwrap_used)]

use apprentice_core::{JointCommand, RobotState, Seed};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Checker, Guard, GuardConfig, GuardError, Refusal};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Streams for each robot, and commands in each: 1.2 million in all.
const STREAMS: u64 = 300;
const TICKS: u64 = 2_000;

/// An arm without kinematics, quicker, slower to brake, commanded in its joints, one of which slides.
const SLIDER: &str = r#"
name = "slider"
control = "joint"
policy_hz = 20.0
control_hz = 500.0
home = [0.2, -0.5, 0.0]

[[joints]]
name = "rail"
unit = "m"
position = [0.0, 0.9]
velocity = 1.5
acceleration = 3.0

[[joints]]
name = "shoulder"
position = [-1.0, 0.1]
velocity = 4.0
acceleration = 5.0

[[joints]]
name = "wrist"
position = [-6.3, 6.3]
velocity = 9.0
acceleration = 60.0
"#;

/// Numbers no measurement and no command should hold.
const WILD: [f64; 6] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    1e300,
    -1e300,
    f64::MAX,
];

fn at(positions: Vec<f64>) -> RobotState {
    RobotState {
        sequence: 0,
        stamp_ns: 0,
        velocities: vec![0.0; positions.len()],
        positions,
        gripper_width: 0.08,
    }
}

/// A command in one of eight styles, each held for a while: jumps, limits, noise, standing still,
/// other lengths, wrong stamps, numbers that are none.
fn proposal(
    robot: &RobotDescription,
    place: &[f64],
    (style, tick, now_ns): (u32, u64, u64),
    rng: &mut ChaCha8Rng,
) -> JointCommand {
    let joints = robot.joints.len();
    let count = if style == 3 && rng.random_bool(0.01) {
        rng.random_range(0..12)
    } else {
        joints
    };
    let joint = |i: usize| {
        let i = i.min(joints - 1);
        let [low, high] = robot.joints[i].position;
        match style {
            0 => WILD[rng.random_range(0..WILD.len())],
            1 if tick.is_multiple_of(2) => high,
            1 => low,
            2 => rng.random_range(low - 1.0..high + 1.0),
            3 => place[i] + rng.random_range(-0.05..0.05),
            4 => high + 10.0,
            5 => low - 10.0,
            6 => robot.home[i],
            _ => place[i] + 0.02,
        }
    };
    JointCommand {
        sequence: tick,
        positions: (0..count).map(joint).collect(),
        stamp_ns: match style {
            7 if rng.random_bool(0.3) => rng.random(),
            _ => now_ns,
        },
        gripper_width: if rng.random_bool(0.1) {
            f64::NAN
        } else {
            rng.random_range(-1.0..1.0)
        },
    }
}

/// What is measured when the arm was told to go through `path`: where it should be, where it was some
/// time ago, noise, or nothing that could be.
fn measurement(style: u32, path: &[Vec<f64>], rng: &mut ChaCha8Rng) -> RobotState {
    let newest = path.last().unwrap();
    let ago = |ticks: usize| path[path.len().saturating_sub(ticks + 1)].clone();
    let mut state = match style {
        0 | 1 => at(newest.clone()),
        2 => at(ago(10)),
        3 => at(ago(200)),
        4 => at(newest
            .iter()
            .map(|q| q + rng.random_range(-0.2..0.2))
            .collect()),
        5 => at(vec![WILD[rng.random_range(0..WILD.len())]; newest.len()]),
        _ => at(vec![0.1; rng.random_range(0..12)]),
    };
    if style == 4 && rng.random_bool(0.1) {
        state.gripper_width = f64::NAN;
    }
    state
}

/// Runs one stream; answers how far the first joint moved.
fn stream(robot: &RobotDescription, config: GuardConfig, seed: Seed) -> f64 {
    let mut rng = seed.rng();
    let mut guard = Guard::new(robot, config.clone()).unwrap();
    let mut checker = Checker::new(robot).unwrap();
    let mut path = vec![robot.home.clone()];
    assert!(guard.restart(&at(robot.home.clone())));
    checker.restart(&at(robot.home.clone()));
    let (mut commands, mut states, mut moved) = (0, 0, 0.0f64);
    let period_ns = (1e9 / robot.control_hz) as u64;
    for tick in 0..TICKS {
        if tick.is_multiple_of(50) {
            commands = rng.random_range(0..8);
        }
        if tick.is_multiple_of(70) {
            states = rng.random_range(0..7);
        }
        let now_ns = tick * period_ns;
        let state = measurement(states, &path, &mut rng);
        let place = path.last().unwrap().clone();
        if rng.random_bool(0.002) {
            // From where the arm has been, the guard can start; from anywhere else it must not.
            let from = at(path[rng.random_range(0..path.len())].clone());
            assert!(guard.restart(&from));
            checker.restart(&from);
            path = vec![from.positions];
        } else if rng.random_bool(0.002) {
            let nowhere = [f64::NAN; 12][..rng.random_range(0..12)].to_vec();
            assert!(!guard.restart(&at(nowhere)));
        }
        let proposed = proposal(robot, &place, (commands, tick, now_ns), &mut rng);
        let admitted = match rng.random_range(0..100) {
            0 | 1 => guard.tick_without_command(&state, now_ns),
            2 => guard.hold(Refusal::NotAPose, &state, now_ns),
            _ => guard.admit(&proposed, &state, now_ns),
        };
        let found = checker.check(&admitted.command, now_ns);
        assert!(
            found.is_empty(),
            "{} {config:?} {seed:?} tick {tick}, commands {commands}, states {states}: {found:?}",
            robot.name
        );
        let sound = state.positions.len() == robot.joints.len()
            && state.positions.iter().all(|q| q.is_finite());
        assert!(sound || admitted.refusals.contains(Refusal::State));
        moved += (admitted.command.positions[0] - path.last().unwrap()[0]).abs();
        path.push(admitted.command.positions);
    }
    assert_eq!((checker.commands(), checker.violations()), (TICKS, 0));
    moved
}

fn streams_stay_within_limits(robot: &RobotDescription) {
    for lead_limit in [0.5, 0.0, 1e-3, 1e300] {
        let mut moved = 0.0;
        for index in 0..STREAMS / 2 {
            let config = GuardConfig {
                lead_limit,
                ..GuardConfig::default()
            };
            moved += stream(robot, config, Seed(11).derive(&robot.name, index));
        }
        assert!(
            moved > 5.0,
            "{}: the guard must not pass by standing still: joint 1 moved {moved} (lead {lead_limit})",
            robot.name
        );
    }
}

#[test]
fn hostile_commands_and_states_stay_within_limits() {
    streams_stay_within_limits(&RobotDescription::embedded("franka_fr3").unwrap());
}

#[test]
fn and_so_they_do_with_a_robot_of_another_kind() {
    streams_stay_within_limits(&RobotDescription::parse(SLIDER, "slider").unwrap());
}

#[test]
fn a_joint_that_brakes_too_slowly_to_look_ahead_is_refused() {
    let slow = SLIDER.replace("acceleration = 60.0", "acceleration = 0.5");
    let slow = RobotDescription::parse(&slow, "slider").unwrap();
    let error = Guard::new(&slow, GuardConfig::default()).unwrap_err();
    assert!(matches!(error, GuardError::Braking { .. }));
    assert!(
        error
            .to_string()
            .contains("joint wrist of robot slider takes 900"),
        "{error}"
    );
}

#[test]
fn a_state_that_cannot_be_holds_the_arm() {
    let fr3 = RobotDescription::embedded("franka_fr3").unwrap();
    let mut guard = Guard::new(&fr3, GuardConfig::default()).unwrap();
    let home = at(fr3.home.clone());
    guard.restart(&home);
    let mut target = fr3.home.clone();
    target[0] += 0.3;
    let go = JointCommand {
        sequence: 1,
        stamp_ns: 0,
        positions: target,
        gripper_width: 0.02,
    };
    (0..5).for_each(|_| drop(guard.admit(&go, &home, 0)));
    assert!(!guard.is_at_rest());
    let mut blind = home.clone();
    blind.positions[3] = f64::NAN;
    for tick in 0..guard.braking_ticks() {
        let admitted = guard.admit(&go, &blind, 0);
        let why: Vec<_> = admitted.refusals.names().collect();
        assert_eq!(why, ["state"], "tick {tick}");
    }
    assert!(guard.is_at_rest());
}

#[test]
fn the_checker_does_not_pass_over_a_start_from_nowhere() {
    let fr3 = RobotDescription::embedded("franka_fr3").unwrap();
    let mut checker = Checker::new(&fr3).unwrap();
    let stay = JointCommand {
        sequence: 1,
        stamp_ns: 0,
        positions: fr3.home.clone(),
        gripper_width: 0.0,
    };
    for (violations, nowhere) in [vec![0.0; 3], vec![f64::NAN; 7]].into_iter().enumerate() {
        checker.restart(&at(nowhere));
        assert_eq!(checker.check(&stay, 0).len(), 1);
        assert!(checker.check(&stay, 0).is_empty());
        assert_eq!(checker.violations(), violations as u64 + 1);
    }
}

#[test]
fn the_checker_sees_what_the_guard_would_have_stopped() {
    let fr3 = RobotDescription::embedded("franka_fr3").unwrap();
    let mut checker = Checker::new(&fr3).unwrap();
    checker.restart(&at(fr3.home.clone()));
    let mut positions = fr3.home.clone();
    positions[0] += 0.5;
    let jump = JointCommand {
        sequence: 1,
        stamp_ns: 0,
        positions,
        gripper_width: 0.0,
    };
    assert!(!checker.check(&jump, 0).is_empty());
    assert_eq!(checker.violations(), 1);
}

#[test]
fn a_harmless_command_passes_unchanged_and_an_old_one_does_not() {
    let fr3 = RobotDescription::embedded("franka_fr3").unwrap();
    let mut guard = Guard::new(&fr3, GuardConfig::default()).unwrap();
    let state = at(fr3.home.clone());
    guard.restart(&state);
    let mut positions = fr3.home.clone();
    positions[0] += 0.001;
    let small = JointCommand {
        sequence: 1,
        stamp_ns: 0,
        positions: positions.clone(),
        gripper_width: 0.02,
    };
    let admitted = guard.admit(&small, &state, 1_000_000);
    assert!(admitted.refusals.is_empty());
    assert!((admitted.command.positions[0] - positions[0]).abs() < 1e-12);
    let old = guard.admit(&small, &state, 300_000_000);
    assert!(old.refusals.contains(Refusal::Stale));
}
