//! A million random and hostile commands, and not one beyond a limit.
use apprentice_core::{JointCommand, RobotState, Seed};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Checker, Guard, GuardConfig, Refusal};
use rand::Rng;

const TICKS: u64 = 1_000_000;

fn at(positions: Vec<f64>) -> RobotState {
    RobotState {
        sequence: 0,
        stamp_ns: 0,
        velocities: vec![0.0; positions.len()],
        positions,
        gripper_width: 0.08,
    }
}

#[test]
fn a_million_hostile_commands_stay_within_limits() {
    let fr3 = RobotDescription::embedded("franka_fr3").unwrap();
    let mut rng = Seed(11).rng();
    let mut guard = Guard::new(&fr3, GuardConfig::default()).unwrap();
    let mut checker = Checker::new(&fr3).unwrap();
    let home = at(fr3.home.clone());
    guard.restart(&home);
    checker.restart(&home);
    let mut state = home;
    let (mut style, mut moved) = (0, 0.0f64);
    for tick in 0..TICKS {
        if tick % 50 == 0 {
            style = rng.random_range(0..8);
        }
        let stamp_ns = match style {
            7 if rng.random_bool(0.3) => rng.random(),
            _ => tick * 20_000_000,
        };
        let joint = |rng: &mut rand_chacha::ChaCha8Rng, i: usize| -> f64 {
            let [low, high] = fr3.joints[i].position;
            match style {
                0 => [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300]
                    [rng.random_range(0..5)],
                1 => {
                    if tick % 2 == 0 {
                        high
                    } else {
                        low
                    }
                }
                2 => rng.random_range(low - 1.0..high + 1.0),
                3 => state.positions[i] + rng.random_range(-0.05..0.05),
                4 => high + 10.0,
                5 => low - 10.0,
                6 => fr3.home[i],
                _ => state.positions[i] + 0.02,
            }
        };
        let count = if style == 3 && rng.random_bool(0.01) {
            rng.random_range(0..12)
        } else {
            7
        };
        let positions: Vec<f64> = (0..count).map(|i| joint(&mut rng, i.min(6))).collect();
        let gripper_width = if rng.random_bool(0.1) {
            f64::NAN
        } else {
            rng.random_range(-1.0..1.0)
        };
        let proposed = JointCommand {
            sequence: tick,
            stamp_ns,
            positions,
            gripper_width,
        };
        let admitted = if rng.random_bool(0.02) {
            guard.tick_without_command(&state, tick * 20_000_000)
        } else {
            guard.admit(&proposed, &state, tick * 20_000_000)
        };
        let found = checker.check(&admitted.command, tick * 20_000_000);
        assert!(found.is_empty(), "tick {tick}, style {style}: {found:?}");
        moved += (admitted.command.positions[0] - state.positions[0]).abs();
        state = at(admitted.command.positions);
    }
    println!(
        "{TICKS} hostile commands, {} violations, joint 1 moved {moved:.0} rad",
        checker.violations()
    );
    assert_eq!((checker.commands(), checker.violations()), (TICKS, 0));
    assert!(
        moved > 100.0,
        "the guard must not pass by standing still: joint 1 moved {moved} rad"
    );
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
