//! What is let through unchanged where jerk binds, and what is not.

use crate::{at, beside, command, robots};
use apprentice_core::JointCommand;
use apprentice_robot::RobotDescription;
use apprentice_safety::{Checker, Guard, GuardConfig, Intervention};

fn started(robot: &RobotDescription, from: &[f64]) -> Guard {
    let config = GuardConfig {
        following_error_rad: 0.0,
        ..GuardConfig::default()
    };
    let mut guard = Guard::new(robot, config).unwrap();
    guard.restart(&at(from)).unwrap();
    guard
}

/// What it sends and why it is not what was proposed.
fn go(guard: &mut Guard, place: &[f64]) -> (Vec<f64>, Vec<&'static str>) {
    let out = guard.admit(&command(0, place), &at(place), 0);
    let JointCommand { positions, .. } = out.command;
    (positions, out.interventions.names().collect())
}

/// Near zero a position has more digits than the way it went.
#[test]
fn what_goes_through_zero_passes_to_the_last_bit() {
    for (robot, size, pace) in [
        (robots::at_1_khz(), 0.05, 5.0),
        (robots::folder(), 0.05, 3.0),
    ] {
        let mut place = robot.home.clone();
        let way = |seconds: f64| -size * (pace * seconds).cos();
        place[0] = way(0.0);
        let mut guard = started(&robot, &place);
        for tick in 1..(20.0 * robot.control_hz) as u64 {
            place[0] = way(tick as f64 / robot.control_hz);
            assert_eq!(go(&mut guard, &place), (place.clone(), vec![]), "{tick}");
        }
    }
}

/// Held to rest, it is as one that was started there: what was proposed before says nothing of what comes now.
#[test]
fn an_arm_that_was_held_goes_on_as_one_that_starts() {
    for robot in [robots::at_1_khz(), robots::folder()] {
        let step = 0.1 * robot.joints[0].velocity / robot.control_hz;
        for wait in [false, true] {
            let mut held = started(&robot, &robot.home);
            let mut way = 0.0;
            let mut sent = robot.home.clone();
            for _ in 0..(0.3 * robot.control_hz) as u64 {
                way += step;
                sent = go(&mut held, &beside(&robot.home, way)).0;
            }
            for _ in 0..held.braking_ticks() + 3 {
                sent = held
                    .hold(Intervention::Stale, &at(&sent), 0)
                    .command
                    .positions;
            }
            let mut fresh = started(&robot, &sent);
            for tick in 0..100 {
                if !wait || tick > 20 {
                    way += step;
                }
                let place = beside(&robot.home, way);
                assert_eq!(go(&mut held, &place), go(&mut fresh, &place), "{tick}");
            }
        }
    }
}

/// Once a proposal was let through unchanged the next one is too, if commands may go on like that.
#[test]
fn what_commands_can_follow_from_the_last_is_followed() {
    for robot in [robots::at_1_khz(), robots::folder()] {
        let rate = robot.control_hz;
        let joint = &robot.joints[0];
        let jolt = 0.98 * joint.jerk.unwrap() / rate.powi(3);
        let mut joined = 0;
        for share in [0.02, 0.05, 0.1, 0.2] {
            for ahead in [0.0003, 0.001, 0.003, 0.01, 0.02, 0.03] {
                for part in [-0.9, -0.5, 0.0, 0.5, 0.9] {
                    let mut guard = started(&robot, &robot.home);
                    let step = share * joint.velocity / rate;
                    let mut sent = vec![robot.home[0]; 3];
                    for tick in 0..(2.0 * rate) as u64 {
                        let place = beside(&robot.home, ahead + step * tick as f64);
                        let (out, why) = go(&mut guard, &place);
                        sent.push(out[0]);
                        if !why.is_empty() {
                            continue;
                        }
                        joined += 1;
                        let [a, b, c] = sent[sent.len() - 3..] else {
                            unreachable!()
                        };
                        // Its speed, its acceleration and a part of the jerk that is allowed.
                        let next = c + (c - b) + (c - 2.0 * b + a) + part * jolt;
                        let change = (next - 2.0 * c + b).abs() * rate.powi(2);
                        if change > 0.9 * joint.acceleration {
                            break;
                        }
                        let place = beside(&out, next - c);
                        let says = format!("{} {share} {ahead} {part} {tick}", robot.name);
                        assert_eq!(go(&mut guard, &place), (place, vec![]), "{says}");
                        break;
                    }
                }
            }
        }
        assert!(joined > 60, "{joined}");
    }
}

/// At full speed past a place where it is wanted to stay it brakes at once: it cannot stay there.
#[test]
fn a_place_it_cannot_stay_at_is_not_gone_to_in_passing() {
    for robot in [robots::at_1_khz(), robots::folder()] {
        let start = beside(&robot.home, -0.5);
        let mut guard = started(&robot, &start);
        let mut sent = vec![start[0]; 2];
        let mut speed = 0.0;
        for _ in 0..(2.0 * robot.control_hz) as u64 {
            let (out, _) = go(&mut guard, &beside(&start, 0.9));
            sent.push(out[0]);
            let now = sent[sent.len() - 1] - sent[sent.len() - 2];
            if now <= speed {
                break;
            }
            speed = now;
        }
        // As fast as it gets, and no faster any more.
        for _ in 0..5 {
            sent.push(go(&mut guard, &beside(&start, 0.9)).0[0]);
        }
        let last = sent[sent.len() - 1];
        let cruise = last - sent[sent.len() - 2];
        let place = beside(&start, last + cruise - start[0]);
        let (out, why) = go(&mut guard, &place);
        assert!(out[0] < place[0], "{}: {why:?}", robot.name);
        assert!(!why.is_empty());
    }
}

/// What was refused is not sent, though a part of the way to it may be.
#[test]
fn a_stream_that_goes_out_is_left_where_it_is_refused() {
    let mut partly = 0;
    for robot in [robots::at_1_khz(), robots::folder()] {
        for share in [0.03, 0.1, 0.3] {
            let mut guard = started(&robot, &robot.home);
            let mut checker = Checker::new(&robot).unwrap();
            checker.restart(&at(&robot.home));
            let joint = &robot.joints[0];
            let quickest = joint.acceleration / robot.control_hz.powi(2) / 20.0;
            let (mut way, mut step, mut stopped) = (0.0, 0.0_f64, 0);
            for tick in 0..(40.0 * robot.control_hz) as u64 {
                step = (step + quickest).min(share * joint.velocity / robot.control_hz);
                way += step;
                let place = beside(&robot.home, way);
                let mut braking = guard.clone();
                let out = guard.admit(&command(tick, &place), &at(&place), 0);
                assert_eq!(checker.check(&out.command, 0), []);
                let names: Vec<_> = out.interventions.names().collect();
                if names == ["workspace"] {
                    // It would have been passed on as it is.
                    let braked = braking.hold(Intervention::Stale, &at(&place), 0).command;
                    let more = out.command.positions[0] - braked.positions[0];
                    partly += u64::from(more > 1e-12);
                }
                if out.interventions.contains(Intervention::Workspace) {
                    stopped += 1;
                    assert_ne!(
                        out.command.positions, place,
                        "{} {share} {tick}",
                        robot.name
                    );
                }
                if way > 1.2 {
                    break;
                }
            }
            assert!(stopped > 0, "{} {share}", robot.name);
        }
    }
    assert!(partly > 0, "it only ever braked");
}
