//! What the guard does with single commands, and what the checker sees.
#![allow(clippy::unwrap_used)]

#[path = "hostile/robots.rs"]
mod robots;

use apprentice_core::{JointCommand, RobotState};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Checker, Guard, GuardConfig, GuardError, Intervention, Proposal};

fn at(positions: Vec<f64>) -> RobotState {
    RobotState {
        sequence: 0,
        stamp_ns: 0,
        velocities: vec![0.0; positions.len()],
        positions,
        gripper_width: 0.08,
        efforts: None,
        external_wrench: None,
    }
}

fn to(positions: Vec<f64>) -> JointCommand {
    JointCommand {
        sequence: 1,
        stamp_ns: 0,
        positions,
        gripper_width: 0.02,
    }
}

#[test]
fn a_joint_that_brakes_too_slowly_to_look_ahead_is_refused() {
    let mut slow = robots::slider();
    slow.joints[2].acceleration = 0.5;
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
    let fr3 = robots::shipped();
    let mut guard = Guard::new(&fr3, GuardConfig::default()).unwrap();
    let home = at(fr3.home.clone());
    guard.restart(&home).unwrap();
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
        let why: Vec<_> = admitted.interventions.names().collect();
        assert_eq!(why, ["state"], "tick {tick}");
    }
    assert!(guard.is_at_rest());
}

#[test]
fn the_checker_does_not_pass_over_a_start_from_nowhere() {
    let fr3 = robots::shipped();
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
    let fr3 = robots::shipped();
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
    let fr3 = robots::shipped();
    let mut guard = Guard::new(&fr3, GuardConfig::default()).unwrap();
    let state = at(fr3.home.clone());
    guard.restart(&state).unwrap();
    let mut positions = fr3.home.clone();
    positions[0] += 0.001;
    let small = JointCommand {
        sequence: 1,
        stamp_ns: 0,
        positions: positions.clone(),
        gripper_width: 0.02,
    };
    let admitted = guard.admit(&small, &state, 1_000_000);
    assert!(admitted.interventions.is_empty());
    assert!((admitted.command.positions[0] - positions[0]).abs() < 1e-12);
    let old = guard.admit(&small, &state, 300_000_000);
    assert!(old.interventions.contains(Intervention::Stale));
}

#[test]
fn limits_that_numbers_cannot_keep_are_refused() {
    let refused = |change: &dyn Fn(&mut RobotDescription)| {
        let mut robot = robots::slider();
        change(&mut robot);
        Guard::new(&robot, GuardConfig::default())
            .unwrap_err()
            .to_string()
    };
    let error = refused(&|r| r.joints[0].velocity = 1e300);
    assert!(
        error.starts_with("velocity of joint rail of robot slider is 1e300 m/s")
            || error.starts_with("velocity of joint rail of robot slider is 1000000"),
        "{error}"
    );
    // Rounding of a position of 1e8 m alone is 1e-8 m, four of them 0.02 m/s^2 at 500 commands a second.
    let error = refused(&|r| r.joints[0].position = [-1e8, 1e8]);
    assert!(error.contains("acceleration of joint rail"), "{error}");
    let error = refused(&|r| r.joints[0].jerk = Some(1e-9));
    assert!(error.contains("jerk of joint rail"), "{error}");
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(refused(&|r| r.control_hz = rate).contains("control_hz"));
    }
}

#[test]
fn a_home_where_the_arm_touches_itself_is_refused() {
    let mut robot = robots::folder();
    robot.home = vec![0.4, 2.99];
    let error = Guard::new(&robot, GuardConfig::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("capsules 0 and 1 of robot folder are -0.0"),
        "{error}"
    );
    let off = GuardConfig {
        self_clearance_m: 0.0,
        ..GuardConfig::default()
    };
    assert!(Guard::new(&robot, off).is_ok());
}

#[test]
fn every_robot_that_comes_with_apprentice_can_be_guarded_as_it_is() {
    for name in apprentice_robot::EMBEDDED {
        let robot = RobotDescription::embedded(name).unwrap();
        let mut guard = Guard::new(&robot, GuardConfig::default()).unwrap();
        let home = at(robot.home.clone());
        guard.restart(&home).unwrap();
        let admitted = guard.admit(&to(robot.home.clone()), &home, 0);
        assert!(admitted.interventions.is_empty(), "{name}");
        assert_eq!(admitted.command.positions, robot.home);
        let mut checker = Checker::new(&robot).unwrap();
        checker.set_min_clearance(Some(0.01));
        checker.restart(&home);
        assert_eq!(checker.check(&admitted.command, 0), [], "{name}");
    }
}

#[test]
fn what_is_within_limits_passes_to_the_last_bit() {
    for robot in [robots::at_1_khz(), robots::folder()] {
        let mut guard = Guard::new(&robot, GuardConfig::default()).unwrap();
        guard.restart(&at(robot.home.clone())).unwrap();
        // At rest, then along a path whose jerk is a quarter of the limit at most.
        for tick in 0..3000 {
            let seconds = f64::from(tick) / robot.control_hz;
            let mut positions = robot.home.clone();
            for (q, joint) in positions.iter_mut().zip(&robot.joints) {
                let pace: f64 = 1.5;
                let far = (joint.jerk.unwrap() / pace.powi(3) / 4.0).min(0.05);
                // Sets off without a jump of acceleration.
                *q += far * (pace * seconds - (pace * seconds).sin()) / 6.0;
            }
            let state = at(positions.clone());
            let admitted = guard.admit(&to(positions.clone()), &state, 0);
            let why: Vec<_> = admitted.interventions.names().collect();
            assert!(why.is_empty(), "{} tick {tick}: {why:?}", robot.name);
            assert_eq!(
                admitted.command.positions, positions,
                "{} tick {tick}",
                robot.name
            );
        }
    }
    // Standing still is within the limits of any robot.
    let fr3 = robots::shipped();
    let mut guard = Guard::new(&fr3, GuardConfig::default()).unwrap();
    let home = at(fr3.home.clone());
    guard.restart(&home).unwrap();
    for _ in 0..10 {
        let admitted = guard.admit(&to(fr3.home.clone()), &home, 0);
        assert!(admitted.interventions.is_empty());
        assert_eq!(admitted.command.positions, fr3.home);
    }
}

#[test]
fn a_step_of_the_target_is_reached_without_going_beyond() {
    for robot in [robots::at_1_khz(), robots::folder()] {
        let config = GuardConfig {
            following_error_rad: 0.0,
            ..GuardConfig::default()
        };
        let mut guard = Guard::new(&robot, config).unwrap();
        guard.restart(&at(robot.home.clone())).unwrap();
        let mut target = robot.home.clone();
        target[0] -= 0.3;
        let (mut beyond, mut reached) = (0.0_f64, None);
        for tick in 0..(4.0 * robot.control_hz) as u64 {
            let admitted = guard.admit(&to(target.clone()), &at(target.clone()), 0);
            let why: Vec<_> = admitted.interventions.names().collect();
            assert!(
                why.is_empty() || admitted.interventions.only_rate_limits(),
                "tick {tick}: {why:?}"
            );
            beyond = beyond.max(target[0] - admitted.command.positions[0]);
            if admitted.command.positions == target && guard.is_at_rest() {
                reached = reached.or(Some(tick as f64 / robot.control_hz));
            }
        }
        println!(
            "{}: 0.3 rad in {reached:?} s, {beyond:.1e} rad beyond",
            robot.name
        );
        assert!(
            reached.is_some_and(|s| s < 1.2) && beyond < 1e-3,
            "{reached:?} {beyond}"
        );
    }
}

#[test]
fn actions_from_an_old_observation_are_not_obeyed() {
    let robot = robots::folder();
    let mut guard = Guard::new(&robot, GuardConfig::default()).unwrap();
    let home = at(robot.home.clone());
    let mut out = to(Vec::new());
    let stay = JointCommand {
        stamp_ns: 5_000_000_000,
        ..to(robot.home.clone())
    };
    let mut why = |observed_ns: Option<u64>| {
        let proposal = Proposal {
            observed_ns,
            ..Proposal::from(&stay)
        };
        let interventions = guard.admit_into(proposal, &home, 5_000_000_000, &mut out);
        interventions.names().collect::<Vec<_>>()
    };
    assert!(why(None).is_empty());
    assert!(why(Some(3_000_000_000)).is_empty());
    assert_eq!(why(Some(2_999_999_999)), ["chunk_stale"]);
    assert_eq!(why(Some(u64::MAX)), ["chunk_stale"]);
    assert_eq!(Proposal::from(&stay).observed_at(7).observed_ns, Some(7));
}

#[test]
fn a_stamp_from_the_future_is_as_wrong_as_an_old_one() {
    let robot = robots::folder();
    let mut guard = Guard::new(&robot, GuardConfig::default()).unwrap();
    let home = at(robot.home.clone());
    for (stamp_ns, stale) in [
        (300_000_000, false),
        (299_999_999, true),
        (700_000_000, false),
        (u64::MAX, true),
    ] {
        let command = JointCommand {
            stamp_ns,
            ..to(robot.home.clone())
        };
        let interventions = guard.admit(&command, &home, 500_000_000).interventions;
        assert_eq!(
            interventions.contains(Intervention::Stale),
            stale,
            "{stamp_ns}"
        );
    }
}

#[test]
fn before_it_knows_where_the_arm_is_no_command_leaves() {
    let robot = robots::folder();
    let mut guard = Guard::new(&robot, GuardConfig::default()).unwrap();
    for nowhere in [vec![f64::NAN; 2], vec![0.0; 3], vec![1e300, 0.0]] {
        let admitted = guard.admit(&to(robot.home.clone()), &at(nowhere.clone()), 0);
        assert!(admitted.interventions.contains(Intervention::State));
        assert!(admitted.command.positions.is_empty());
        assert!(!guard.is_started() && guard.restart(&at(nowhere)).is_err());
        let held = guard.hold(Intervention::Stale, &at(vec![]), 0);
        assert!(held.command.positions.is_empty());
    }
    assert_eq!(
        guard
            .admit(&to(robot.home.clone()), &at(robot.home.clone()), 0)
            .command
            .positions,
        robot.home
    );
}

#[test]
fn a_guard_starts_a_little_outside_its_limits_and_no_further() {
    let robot = robots::folder();
    let mut guard = Guard::new(&robot, GuardConfig::default()).unwrap();
    guard.restart(&at(robot.home.clone())).unwrap();
    for (joints, says) in [
        (
            vec![0.4, 3.15],
            "joint elbow is at 3.1500 rad, allowed: -3.0940 to 3.0940 rad",
        ),
        (vec![0.4, -9.0], "joint elbow is at -9.0000 rad"),
        (
            vec![-3.1, 0.5],
            "joint shoulder is at -3.1000 rad, allowed: -2.9942 to 2.9942 rad",
        ),
        (vec![f64::NAN, 0.5], "not finite"),
        (vec![0.4], "its state has 1 joints, the robot has 2"),
    ] {
        let reason = guard.restart(&at(joints)).unwrap_err().say(&robot);
        assert!(reason.contains(says), "{reason}");
        // It goes on as it was.
        let held = guard.hold(Intervention::Stale, &at(robot.home.clone()), 0);
        assert_eq!(held.command.positions, robot.home);
    }
    guard.restart(&at(vec![-2.98, 3.08])).unwrap();
}

#[test]
fn an_arm_stops_before_it_hits_itself() {
    let robot = robots::folder();
    for wanted in [0.01, 0.05, 0.0] {
        let mut free = robot.clone();
        free.workspace = None;
        let config = GuardConfig {
            following_error_rad: 0.0,
            self_clearance_m: wanted,
            ..GuardConfig::default()
        };
        let mut guard = Guard::new(&free, config).unwrap();
        let mut checker = Checker::new(&free).unwrap();
        checker.set_min_clearance(Some(wanted));
        guard.restart(&at(free.home.clone())).unwrap();
        checker.restart(&at(free.home.clone()));
        // Folded flat, the second link lies through the base.
        let folded = to(vec![0.4, 2.95]);
        let (mut refused, mut violations) = (false, 0);
        for _ in 0..400 {
            let admitted = guard.admit(&folded, &at(vec![0.4, 0.5]), 0);
            refused |= admitted.interventions.contains(Intervention::SelfCollision);
            violations += checker.check(&admitted.command, 0).len();
        }
        assert_eq!(refused, wanted > 0.0);
        assert_eq!(
            violations > 0,
            wanted == 0.0,
            "the checker must see what the guard lets through"
        );
    }
}

#[test]
fn an_arm_that_starts_outside_may_only_come_back() {
    let robot = robots::folder();
    let config = GuardConfig {
        following_error_rad: 0.0,
        ..GuardConfig::default()
    };
    let mut guard = Guard::new(&robot, config).unwrap();
    // The elbow is 0.05 rad beyond its limit, and the arm folded into its base.
    let outside = at(vec![0.4, 3.05]);
    guard.restart(&outside).unwrap();
    let mut worst = 3.05_f64;
    for _ in 0..100 {
        let admitted = guard.admit(&to(vec![0.4, 3.2]), &outside, 0);
        worst = worst.max(admitted.command.positions[1]);
    }
    assert!(worst <= 3.05);
    let mut last = outside.positions;
    for _ in 0..600 {
        last = guard
            .admit(&to(robot.home.clone()), &at(last), 0)
            .command
            .positions;
    }
    assert_eq!(last, robot.home);
}

#[test]
fn the_checker_judges_jerk_nearness_to_limits_and_lead() {
    let mut robot = robots::folder();
    robot.workspace = None;
    let commands = |positions: &[[f64; 2]]| -> Vec<String> {
        let mut checker = Checker::new(&robot).unwrap();
        checker.restart(&at(positions[0].to_vec()));
        let judged = positions
            .iter()
            .flat_map(|q| checker.check(&to(q.to_vec()), 0));
        judged.map(|v| v.what).collect()
    };
    // A hundred commands a second: 0.0004 rad in the first is 0.04 rad/s, 4 rad/s^2 and 400 rad/s^3.
    let found = commands(&[[0.4, 0.5], [0.4004, 0.5]]);
    assert!(
        found.len() == 1 && found[0].contains("shoulder") && found[0].contains("/s^3, limit 60"),
        "{found:?}"
    );
    // 0.05 rad before the shoulder's limit it may do sqrt(0.4) - 0.2 = 0.43 rad/s.
    let slow: Vec<[f64; 2]> = (0..60)
        .map(|i| {
            let seconds = f64::from(i) / 100.0;
            [2.75 + 10.0 * seconds.powi(3) / 6.0, 0.0]
        })
        .collect();
    let found = commands(&slow);
    assert!(found[0].contains("so near its position limit"), "{found:?}");
    let mut checker = Checker::new(&robot).unwrap();
    checker.restart(&at(vec![0.4, 0.5]));
    let first = to(vec![0.4, 0.5001]);
    assert!(
        checker
            .check_beside(&first, 0, &at(vec![0.4, 0.5]), 0.1)
            .is_empty()
    );
    let further = to(vec![0.4, 0.5003]);
    let found = checker.check_beside(&further, 0, &at(vec![0.4, 0.3]), 0.1);
    assert!(found.is_empty(), "its acceleration stays: {found:?}");
    let faster = to(vec![0.4, 0.5007]);
    let found = checker.check_beside(&faster, 0, &at(vec![0.4, 0.3]), 0.1);
    assert!(
        found.len() == 1 && found[0].what.contains("ahead of where it was measured"),
        "{found:?}"
    );
}
