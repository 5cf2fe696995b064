//! How far a target may be from where the joints were measured, where jerk binds.

use crate::{at, beside, command, robots};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Checker, Guard, GuardConfig};

fn started(robot: &RobotDescription, lead_limit: f64) -> Guard {
    let config = GuardConfig {
        lead_limit,
        ..GuardConfig::default()
    };
    let mut guard = Guard::new(robot, config).unwrap();
    guard.restart(&at(&robot.home)).unwrap();
    guard
}

/// An arm that is led follows, and then stands still: the target stops at the lead, it does not go on as the arm
/// went.
#[test]
fn an_arm_that_stands_still_is_not_led_on() {
    for robot in [robots::at_1_khz(), robots::folder()] {
        for share in [0.05, 0.1, 0.2, 0.4] {
            let limit = 0.05;
            let mut guard = started(&robot, limit);
            let far = command(0, &beside(&robot.home, 0.45));
            let joint = &robot.joints[0];
            let (mut way, mut speed, mut last) = (0.0, 0.0_f64, 0.0);
            let mut beyond = f64::NEG_INFINITY;
            for _ in 0..(3.0 * robot.control_hz) as u64 {
                speed += joint.acceleration / robot.control_hz / 10.0;
                speed = speed.min(joint.velocity * share);
                if way < 0.2 {
                    way += speed / robot.control_hz;
                }
                let here = at(&beside(&robot.home, way));
                last = guard.admit(&far, &here, 0).command.positions[0] - robot.home[0];
                beyond = beyond.max(last - way - limit);
            }
            assert!(beyond < 1e-4, "{} {share}: {beyond} rad beyond", robot.name);
            assert!((last - way - limit).abs() < 1e-3);
        }
    }
}

/// A steady stream that jumped is caught up with and followed, however far the arm is behind, where no lead is
/// asked for or it is far away.
#[test]
fn a_stream_that_jumped_is_followed_again() {
    for robot in [robots::at_1_khz(), robots::folder()] {
        for limit in [0.0, 0.5, 1e300] {
            let mut guard = started(&robot, limit);
            let speed = 0.1 * robot.joints[0].velocity;
            let mut reasons = Vec::new();
            let ticks = (2.0 * robot.control_hz) as u64;
            for tick in 0..ticks {
                let way = 0.02 + speed * tick as f64 / robot.control_hz;
                let place = beside(&robot.home, way);
                let out = guard.admit(&command(0, &place), &at(&robot.home), 0);
                reasons = out.refusals.names().collect();
                if reasons.is_empty() {
                    assert_eq!(out.command.positions, place);
                }
                if tick == 0 {
                    assert!(!reasons.is_empty());
                }
            }
            assert!(reasons.is_empty(), "{} {limit}: {reasons:?}", robot.name);
        }
    }
}

/// An arm at its lead, and proposals behind it that come nearer: it does not run ahead of them.
#[test]
fn proposals_that_come_nearer_do_not_drive_an_arm_beyond_its_lead() {
    for robot in [robots::at_1_khz(), robots::folder()] {
        let joint = &robot.joints[0];
        let limit = 0.05;
        for share in [0.01, 0.03, 0.1, 0.3] {
            for behind in [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 0.03] {
                for over in [-1e-4, -1e-5, -1e-6, 0.0, 1e-6, 1e-5, 1e-4, 1e-3] {
                    let mut guard = started(&robot, limit);
                    let mut checker = Checker::new(&robot).unwrap();
                    checker.restart(&at(&robot.home));
                    let here = at(&beside(&robot.home, -limit - over));
                    let step = share * joint.velocity / robot.control_hz;
                    for tick in 0..200 {
                        let way = (step * f64::from(tick) - behind - over).min(-over - 1e-7);
                        let sent = command(0, &beside(&robot.home, way));
                        let out = guard.admit(&sent, &here, 0).command;
                        let found = checker.check_beside(&out, 0, &here, limit);
                        assert_eq!(found, [], "{} {share} {behind} {over} {tick}", robot.name);
                    }
                }
            }
        }
    }
}
