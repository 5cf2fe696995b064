//! The way home: as fast as half the limits allow, from however the joints move, and looked at to its end.

use crate::{beside, fr3, robots};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Clearance, Homing, Motion};

/// A moment, s, over which speeds are measured.
const MOMENT: f64 = 1e-4;

/// Speed, rad/s, and acceleration, rad/s^2, of the first joint at some time.
fn speed_at(way: &Homing, seconds: f64) -> (f64, f64) {
    let [a, b, c] = [0.0, 1.0, 2.0].map(|i| way.at(seconds + i * MOMENT)[0]);
    ((c - a) / (2.0 * MOMENT), (c - 2.0 * b + a) / MOMENT.powi(2))
}

#[test]
fn it_takes_as_long_as_half_the_limits_ask_for() {
    for (robot, jerk) in [(fr3(), 2500.0), (robots::slider(), 20.0 * 3.0)] {
        let joint = &robot.joints[0];
        let (v, a, j) = (joint.velocity / 2.0, joint.acceleration / 2.0, jerk / 2.0);
        // Jerk, acceleration and speed each reach what they may.
        let far = 0.65;
        let (mut start, mut goal) = (robot.home.clone(), robot.home.clone());
        (start[0], goal[0]) = (0.1, 0.1 + far);
        let way = Homing::new(&robot, &start, &goal).unwrap();
        assert!(v * v / a + v * a / j < far);
        let (took, wanted) = (way.duration_s(), far / v + v / a + a / j);
        assert!(
            (took - wanted).abs() < 1e-6,
            "{}: {took} s, not {wanted} s",
            robot.name
        );
        assert!((way.at(0.0)[0] - 0.1).abs() < 1e-9 && (way.at(60.0)[0] - goal[0]).abs() < 1e-9);
    }
}

#[test]
fn postures_that_are_not_this_robots_are_refused() {
    let robot = fr3();
    let home = &robot.home;
    let still = Motion::at_rest(home);
    assert!(Homing::from_motion(&robot, &still, home).is_ok());
    type Part = fn(&mut Motion) -> &mut Vec<f64>;
    let parts: [Part; 3] = [
        |m| &mut m.positions,
        |m| &mut m.velocities,
        |m| &mut m.accelerations,
    ];
    for part in parts {
        for bad in [
            vec![0.0; 6],
            vec![0.0; 8],
            vec![f64::NAN; 7],
            vec![f64::INFINITY; 7],
        ] {
            let mut start = still.clone();
            let says = format!("a posture of {} numbers, allowed: 7 finite ones", bad.len());
            *part(&mut start) = bad;
            assert_eq!(Homing::from_motion(&robot, &start, home).err(), Some(says));
        }
    }
    assert!(Homing::new(&robot, home, &home[..6]).is_err());
    assert!(Homing::new(&robot, home, &[f64::NAN; 7]).is_err());
}

#[test]
fn it_goes_on_from_how_the_joints_move_and_never_faster_than_they_may() {
    let mut robot = robots::slider();
    let joint = &mut robot.joints[0];
    joint.position = [-9.0, 9.0];
    joint.jerk = Some(30.0);
    let (fastest, most) = (joint.velocity, joint.acceleration);
    // Less than all of an acceleration that would still make it too fast: v + a^2 / 2j, with half the jerk.
    let near: f64 = (2.0 * 15.0 * 0.1 * fastest).sqrt();
    for (v, a, speed, acceleration) in [
        (0.3, 1.0, 0.3, 1.0),
        (0.3, -1.0, 0.3, -1.0),
        (fastest, most, fastest, 0.0),
        (fastest, -most, fastest, -most),
        (0.9 * fastest, most, 0.9 * fastest, near),
        (2.0 * fastest, 0.0, fastest, 0.0),
        (0.0, 2.0 * most, 0.0, most),
    ] {
        for sign in [1.0, -1.0] {
            let mut start = Motion::at_rest(&robot.home);
            start.velocities[0] = sign * v;
            start.accelerations[0] = sign * a;
            let way = Homing::from_motion(&robot, &start, &robot.home).unwrap();
            let (got_v, got_a) = speed_at(&way, 0.0);
            let says = format!("{v} {a} {sign}: {got_v} {got_a}");
            assert!((got_v - sign * speed).abs() < 2e-3, "{says}");
            assert!((got_a - sign * acceleration).abs() < 0.01, "{says}");
            let mut time = 0.0;
            while time < way.duration_s() {
                let (v, a) = speed_at(&way, time);
                assert!(
                    v.abs() < fastest + 1e-3 && a.abs() < most + 0.01,
                    "{says}: {v} {a}"
                );
                time += 0.01;
            }
            assert_eq!(way.at(1e9).len(), 3);
            assert!((way.at(1e9)[0] - robot.home[0]).abs() < 1e-6);
        }
    }
}

/// What is said of a way between postures.
fn said(robot: &RobotDescription, start: &[f64], goal: &[f64]) -> Result<(), String> {
    let mut clear = Clearance::new(robot).unwrap();
    Homing::new(robot, start, goal)?.check(robot, &mut clear)
}

#[test]
fn a_way_beyond_a_limit_is_refused_from_when_it_is_beyond() {
    let robot = robots::slider();
    let [low, high] = robot.joints[0].position;
    let home = &robot.home;
    let with = |first: f64| beside(home, first - home[0]);
    for goal in [low, high, low - 5e-7, high + 5e-7] {
        assert_eq!(said(&robot, home, &with(goal)), Ok(()), "{goal}");
    }
    for goal in [low - 2e-6, high + 2e-6, low - 0.2, high + 0.2] {
        let why = said(&robot, home, &with(goal)).unwrap_err();
        let way = Homing::new(&robot, home, &with(goal)).unwrap();
        let outside = |tick: &i32| {
            let at = way.at(f64::from(*tick) / robot.control_hz)[0];
            (low - at).max(at - high)
        };
        let tick = (1..).find(|tick| outside(tick) > 1e-6).unwrap();
        let says = format!(
            "after {:.2} s a joint would be beyond its limits by {:.4} m, allowed: not at all; move the arm by hand",
            f64::from(tick) / robot.control_hz,
            outside(&tick)
        );
        assert!(why.starts_with(&says), "{goal}: {why}");
    }
}

#[test]
fn a_start_outside_may_come_in_and_goes_no_further_out_nor_out_again() {
    let robot = robots::slider();
    let high = robot.joints[0].position[1];
    let top = robot.joints[1].position[1];
    let home = &robot.home;
    let outside = beside(home, high + 0.05 - home[0]);
    assert_eq!(said(&robot, &outside, home), Ok(()));
    assert_eq!(said(&robot, &outside, &beside(&outside, -0.03)), Ok(()));
    assert_eq!(said(&robot, &outside, &outside), Ok(()));
    assert!(said(&robot, &outside, &beside(&outside, 1e-3)).is_err());
    // Once it is in another joint may not be out, though less than the first one was.
    let mut other = home.clone();
    other[1] = top + 0.04;
    let why = said(&robot, &outside, &other).unwrap_err();
    assert!(why.contains("a joint would be beyond its limits"), "{why}");
    assert!(said(&robot, home, &other).is_err());
}

#[test]
fn a_way_out_of_the_workspace_or_into_the_arm_itself_is_refused() {
    let robot = fr3();
    let side = beside(&robot.home, 1.2);
    let why = said(&robot, &robot.home, &side).unwrap_err();
    assert!(
        why.contains("the tool would leave the workspace by 0.0"),
        "{why}"
    );
    assert!(why.contains(" m, allowed"), "{why}");
    // Back from there it may go.
    assert_eq!(said(&robot, &side, &robot.home), Ok(()));
    let mut folder = robots::folder();
    folder.workspace = None;
    let folded = [0.4, 2.95];
    let why = said(&folder, &folder.home, &folded).unwrap_err();
    assert!(
        why.contains("parts of the arm would be too near each other by 0.0"),
        "{why}"
    );
    assert_eq!(said(&folder, &folded, &folder.home), Ok(()));
}
