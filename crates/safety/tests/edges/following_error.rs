//! How far a target may be from where the joints were measured, where jerk binds.

use crate::{at, beside, command, robots};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Checker, Guard, GuardConfig};

fn started(robot: &RobotDescription, following_error_rad: f64) -> Guard {
    let config = GuardConfig {
        following_error_rad,
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
                reasons = out.interventions.names().collect();
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

/// A stream that goes steadily from rest up to `top` rad a tick: where it is next, rad from where it set off.
struct Steady {
    way: f64,
    step: f64,
    change: f64,
    top: f64,
    quickest: f64,
}

impl Steady {
    fn new(robot: &RobotDescription, top: f64) -> Self {
        Self {
            way: 0.0,
            step: 0.0,
            change: 0.0,
            top,
            quickest: robot.joints[0].acceleration / robot.control_hz.powi(2) / 4.0,
        }
    }

    fn next(&mut self) -> f64 {
        let change = (self.change + self.quickest / 10.0).min(self.quickest);
        self.change = if self.step < self.top { change } else { 0.0 };
        self.step = (self.step + self.change).min(self.top);
        self.way += self.step;
        self.way
    }
}

/// Proposals jump back and go on, and an arm lags as far behind them as is allowed: the target, now beyond the lead,
/// does not get faster because the proposals go on.
#[test]
fn a_target_beyond_its_lead_does_not_go_on_with_the_proposals() {
    let limit = 0.05;
    for robot in [robots::at_1_khz(), robots::folder()] {
        for share in [0.03, 0.1, 0.3] {
            for back in [1e-4, 3e-4, 1e-3, 3e-3, 1e-2] {
                for late in [0, 4, 6, 9, 13] {
                    let mut guard = started(&robot, limit);
                    let mut checker = Checker::new(&robot).unwrap();
                    checker.restart(&at(&robot.home));
                    let top = share * robot.joints[0].velocity / robot.control_hz;
                    let mut stream = Steady::new(&robot, top);
                    let mut jumped = None;
                    for tick in 0..2000 {
                        let mut way = stream.next();
                        if jumped.is_none() && stream.step >= top && way > 0.03 {
                            jumped = Some(tick);
                            way -= back;
                            stream.way = way;
                        }
                        if jumped.is_some_and(|then| tick > then + 60) {
                            break;
                        }
                        // Soon after it lags further than the target has room for.
                        let lags = jumped.is_some_and(|then| tick >= then + late);
                        let room = if lags { 1e-7 } else { 0.04 };
                        let here = at(&beside(&robot.home, way - limit + room));
                        let sent = command(0, &beside(&robot.home, way));
                        let out = guard.admit(&sent, &here, 0).command;
                        let found = checker.check_beside(&out, 0, &here, limit);
                        let says = format!("{} {share} {back} {late} {tick}", robot.name);
                        assert_eq!(found, [], "{says}");
                    }
                    assert!(jumped.is_some(), "{} {share}", robot.name);
                }
            }
        }
    }
}
