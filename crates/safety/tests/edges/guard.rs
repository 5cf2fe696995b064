//! The guard.

use crate::{MS, at, beside, command, fr3, robots};
use apprentice_core::{JointCommand, RobotState, Seed};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Checker, Guard, GuardConfig, GuardError, Intervention};
use rand::Rng;

fn started(robot: &RobotDescription, change: impl Fn(&mut GuardConfig)) -> Guard {
    let mut config = GuardConfig::default();
    change(&mut config);
    let mut guard = Guard::new(robot, config).unwrap();
    let _ = guard.restart(&at(&robot.home));
    assert!(guard.is_started());
    guard
}

fn names(guard: &mut Guard, sent: &JointCommand, state: &RobotState) -> Vec<&'static str> {
    guard.admit(sent, state, 0).interventions.names().collect()
}

#[test]
fn settings_that_cannot_be_make_no_guard() {
    let config = GuardConfig {
        stale_ms: 0,
        ..GuardConfig::default()
    };
    let refused = Guard::new(&fr3(), config);
    assert!(matches!(refused, Err(GuardError::Config { .. })));
}

/// Whatever it went through before, to the last bit.
#[test]
fn a_guard_that_starts_again_is_as_one_that_never_ran() {
    for robot in [
        robots::shipped(),
        robots::at_1_khz(),
        robots::folder(),
        robots::slider(),
    ] {
        for index in 0..20 {
            let mut rng = Seed(5).derive(&robot.name, index).rng();
            let config = GuardConfig::default();
            let mut fresh = Guard::new(&robot, config.clone()).unwrap();
            let mut used = Guard::new(&robot, config).unwrap();
            assert!(!fresh.is_started());
            let _ = used.restart(&at(&robot.home));
            let mut go = |guards: &mut [&mut Guard], ticks: u64| {
                let size = 10f64.powf(rng.random_range(-4.0..0.0));
                let mut place = robot.home.clone();
                for tick in 0..ticks {
                    for q in &mut place {
                        *q += size * rng.random_range(-0.1..0.1);
                    }
                    let mut out = guards.iter_mut().map(|guard| {
                        let sent = command(tick, &place);
                        guard.admit(&sent, &at(&place), 0)
                    });
                    let first = out.next();
                    assert!(out.all(|o| Some(o) == first.clone()), "{}", robot.name);
                }
            };
            go(&mut [&mut used], 30);
            for guard in [&mut fresh, &mut used] {
                let _ = guard.restart(&at(&robot.home));
                assert!(guard.is_started() && guard.is_at_rest());
            }
            go(&mut [&mut fresh, &mut used], 30);
        }
    }
}

#[test]
fn each_reason_for_braking_is_given_alone() {
    let robot = fr3();
    let mut guard = started(&robot, |_| ());
    let (home, here) = (&robot.home, at(&robot.home));
    let good = command(9, home);
    assert!(names(&mut guard, &good, &here).is_empty());
    let with = |change: &dyn Fn(&mut JointCommand)| {
        let mut sent = good.clone();
        change(&mut sent);
        sent
    };
    for (sent, reason) in [
        (with(&|c| c.positions[0] = f64::NAN), "not_finite"),
        (with(&|c| c.positions[6] = f64::INFINITY), "not_finite"),
        (with(&|c| c.gripper_width = f64::NAN), "not_finite"),
        (with(&|c| c.positions.truncate(6)), "dimension"),
        (with(&|c| c.positions.push(0.0)), "dimension"),
        (with(&|c| c.stamp_ns = 200 * MS + 1), "stale"),
    ] {
        assert_eq!(names(&mut guard, &sent, &here), [reason]);
    }
    assert!(names(&mut guard, &with(&|c| c.stamp_ns = 200 * MS), &here).is_empty());
    for bad in [
        at(&home[..6]),
        at(&[0.0; 8]),
        at(&[f64::NAN; 7]),
        RobotState {
            gripper_width: f64::NAN,
            ..here.clone()
        },
    ] {
        assert_eq!(names(&mut guard, &good, &bad), ["state"]);
    }
    let held: Vec<_> = guard
        .hold(Intervention::NotAPose, &here, 0)
        .interventions
        .names()
        .collect();
    assert_eq!(held, ["not_a_pose"]);
    let idle: Vec<_> = guard
        .tick_without_command(&here, 0)
        .interventions
        .names()
        .collect();
    assert_eq!(idle, ["stale"]);
}

#[test]
fn a_command_says_which_it_is_when_and_how_wide() {
    let robot = fr3();
    let mut guard = started(&robot, |_| ());
    let here = at(&robot.home);
    let mut sent = command(9, &robot.home);
    let widest = robot.gripper.unwrap().max_width_m;
    for (asked, given, why) in [
        (0.0, 0.0, &[][..]),
        (widest, widest, &[]),
        (0.03, 0.03, &[]),
        (-0.01, 0.0, &["gripper"]),
        (widest + 0.01, widest, &["gripper"]),
    ] {
        sent.gripper_width = asked;
        sent.stamp_ns = 100 * MS;
        let admitted = guard.admit(&sent, &here, 150 * MS);
        let reasons: Vec<_> = admitted.interventions.names().collect();
        assert_eq!(reasons, why);
        let out = admitted.command;
        assert_eq!((out.sequence, out.stamp_ns), (9, 150 * MS));
        assert_eq!((out.gripper_width, &out.positions), (given, &robot.home));
    }
    // Braking leaves the fingers where they were told to be.
    let held = guard.hold(Intervention::Stale, &here, 7).command;
    assert_eq!((held.stamp_ns, held.gripper_width), (7, widest));
    // It starts with the opening that the arm has, as far as there is one.
    for (has, told) in [(0.05, 0.05), (-1.0, 0.0), (1.0, widest)] {
        let mut guard = Guard::new(&robot, GuardConfig::default()).unwrap();
        let state = RobotState {
            gripper_width: has,
            ..here.clone()
        };
        let _ = guard.restart(&state);
        let held = guard.hold(Intervention::Stale, &here, 0).command;
        assert_eq!(held.gripper_width, told);
    }
    // An arm without a gripper is asked for nothing.
    let mut bare = robot.clone();
    bare.gripper = None;
    let mut guard = started(&bare, |_| ());
    sent.gripper_width = 0.5;
    assert!(names(&mut guard, &sent, &here).is_empty() || sent.stamp_ns > 0);
    sent.stamp_ns = 0;
    assert!(names(&mut guard, &sent, &here).is_empty());
}

#[test]
fn a_target_is_kept_near_the_measured_joints_and_not_where_that_is_not_asked_for() {
    let robot = fr3();
    let far = command(1, &beside(&robot.home, 0.3));
    let here = at(&robot.home);
    for (limit, leads) in [
        (0.29, true),
        (0.3 + 1e-9, false),
        (0.0, false),
        (1e300, false),
    ] {
        let mut guard = started(&robot, |c| c.following_error_rad = limit);
        let reasons = names(&mut guard, &far, &here);
        assert_eq!(reasons.contains(&"lead"), leads, "{limit}: {reasons:?}");
        // The arm stays where it is: the target stops at the limit, or goes on to where it was wanted.
        let mut last = robot.home.clone();
        for _ in 0..200 {
            last = guard.admit(&far, &here, 0).command.positions;
        }
        let wanted = if leads { limit } else { 0.3 };
        let went = last[0] - robot.home[0];
        assert!((went - wanted).abs() < 1e-6, "{limit}: it went {went} rad");
        assert!(guard.is_at_rest());
    }
}

#[test]
fn braking_ends_within_the_ticks_it_says_and_not_much_sooner() {
    for robot in [robots::shipped(), robots::at_1_khz(), robots::folder()] {
        let mut guard = started(&robot, |c| c.following_error_rad = 0.0);
        let mut place = robot.home.clone();
        place[0] += 0.5;
        let (mut ticks, mut fastest) = (0, 0.0_f64);
        let mut before = robot.home[0];
        // Until it is as fast as it gets.
        loop {
            let now = guard
                .admit(&command(0, &place), &at(&place), 0)
                .command
                .positions[0];
            let speed = (now - before) * robot.control_hz;
            before = now;
            if speed <= fastest || ticks > 5_000 {
                break;
            }
            (fastest, ticks) = (speed, ticks + 1);
        }
        assert!(!guard.is_at_rest(), "{}", robot.name);
        let mut braked = 0;
        while !guard.is_at_rest() {
            let _ = guard.hold(Intervention::Stale, &at(&place), 0);
            braked += 1;
            assert!(braked <= guard.braking_ticks(), "{}", robot.name);
        }
        assert!(braked > 1, "{}: {braked} ticks", robot.name);
        let rests = guard.hold(Intervention::Stale, &at(&place), 0).command;
        let still = guard.hold(Intervention::Stale, &at(&place), 0).command;
        assert_eq!(rests.positions, still.positions);
    }
}

#[test]
fn what_a_guard_remembers_is_its_opening_and_whether_it_started_too() {
    let robot = fr3();
    let mut guard = Guard::new(&robot, GuardConfig::default()).unwrap();
    let new = guard.snapshot();
    assert_eq!(new.joints(), 7);
    let here = at(&robot.home);
    let _ = guard.restart(&here);
    let mut room = guard.snapshot();
    let mut sent = command(1, &robot.home);
    sent.gripper_width = 0.01;
    let _ = guard.admit(&sent, &here, 0);
    assert!(guard.snapshot_into(&mut room));
    sent.gripper_width = 0.07;
    let _ = guard.admit(&sent, &here, 0);
    assert!(guard.restore(&room));
    let held = guard.hold(Intervention::Stale, &here, 0).command;
    assert_eq!(held.gripper_width, 0.01);
    assert!(guard.restore(&new) && !guard.is_started());
    assert!(guard.restore(&room) && guard.is_started());
}

/// Proposals that run ahead of an arm which stays where it is, smoothly: what is sent beyond the lead that is
/// allowed is on its way to a stop, and comes back to it.
#[test]
fn a_stream_that_runs_ahead_is_not_followed_beyond_the_lead() {
    for robot in [robots::shipped(), robots::at_1_khz(), robots::folder()] {
        for share in [0.1, 0.3, 0.6] {
            let limit = 0.05;
            let mut guard = started(&robot, |c| c.following_error_rad = limit);
            let mut checker = Checker::new(&robot).unwrap();
            let here = at(&robot.home);
            checker.restart(&here);
            let joint = &robot.joints[0];
            let (mut way, mut speed, mut last) = (0.0, 0.0_f64, 0.0);
            for _ in 0..(3.0 * robot.control_hz) as u64 {
                speed += joint.acceleration / robot.control_hz / 3.0;
                speed = speed.min(joint.velocity * share);
                way += speed / robot.control_hz;
                let sent = command(0, &beside(&robot.home, way));
                let out = guard.admit(&sent, &here, 0).command;
                assert_eq!(checker.check_beside(&out, 0, &here, limit), []);
                last = out.positions[0] - robot.home[0];
            }
            assert!((last - limit).abs() < 1e-3, "{}: {last} rad", robot.name);
            assert!(guard.is_at_rest());
        }
    }
}
