//! How far the guard looks ahead, and what it takes when not all of what was asked for can be had.

use crate::{at, beside, command, robots};
use apprentice_robot::{Kinematics, RobotDescription, SelfDistance};
use apprentice_safety::{Guard, GuardConfig};

fn started(robot: &RobotDescription, change: impl Fn(&mut GuardConfig)) -> Guard {
    let mut config = GuardConfig {
        lead_limit: 0.0,
        ..GuardConfig::default()
    };
    change(&mut config);
    let mut guard = Guard::new(robot, config).unwrap();
    guard.restart(&at(&robot.home)).unwrap();
    guard
}

/// Highest speed, rad/s, of the first joint on its way by 0.9 rad, and why it was not let go on as it was asked.
fn fastest(robot: &RobotDescription, guard: &mut Guard) -> (f64, Vec<&'static str>) {
    let mut start = robot.home.clone();
    start[0] = -0.45;
    guard.restart(&at(&start)).unwrap();
    let sent = command(0, &beside(&start, 0.9));
    let (mut before, mut fastest, mut why) = (-0.45, 0.0_f64, Vec::new());
    for _ in 0..(5.0 * robot.control_hz) as u64 {
        let out = guard.admit(&sent, &at(&start), 0);
        why.extend(out.refusals.names());
        fastest = fastest.max((out.command.positions[0] - before) * robot.control_hz);
        before = out.command.positions[0];
    }
    assert!(
        (before - 0.45).abs() < 1e-3,
        "{}: it ended at {before}",
        robot.name
    );
    why.sort_unstable();
    why.dedup();
    (fastest, why)
}

/// Along an edge every pose on the way to a stop has to be looked at. One that brakes so long that they are too
/// many for a tick goes only as fast as can be looked at; others go as fast as they may.
#[test]
fn what_is_not_looked_at_in_time_is_not_let_through() {
    for mut robot in [robots::shipped(), robots::at_1_khz()] {
        let long = robot.control_hz > 500.0;
        // The tool turns about the base at one height.
        let height = Kinematics::new(&robot)
            .unwrap()
            .tool_pose(&robot.home)
            .translation
            .vector[2];
        let nearest = SelfDistance::new(&robot).unwrap().clearance(&robot.home);
        let full = 0.97 * robot.joints[0].velocity;
        // 96 poses of braking.
        let slow = 96.0 * robot.joints[0].acceleration / robot.control_hz;
        let free = fastest(&robot, &mut started(&robot, |_| ()));
        assert!(free.0 > full, "{}: {free:?}", robot.name);
        let near = |c: &mut GuardConfig| c.self_clearance_m = nearest - 1e-7;
        let by_itself = fastest(&robot, &mut started(&robot, near));
        robot.workspace.as_mut().unwrap().min[2] = height - 1e-4 - 1e-7;
        let at_edge = fastest(&robot, &mut started(&robot, |_| ()));
        for (went, reason) in [(at_edge, "workspace"), (by_itself, "self_collision")] {
            assert_eq!(went.1.contains(&reason), long, "{}: {went:?}", robot.name);
            if long {
                assert!(
                    went.0 < slow && went.0 > 0.7 * slow,
                    "{}: {went:?}",
                    robot.name
                );
            } else {
                assert!(went.0 > full, "{}: {went:?}", robot.name);
            }
        }
    }
}

/// Of the way between braking and what was asked for it takes all, 0.6, 0.25 or nothing: the most from which it
/// still stops in time.
#[test]
fn near_a_limit_it_takes_the_most_from_which_it_still_stops() {
    let robot = robots::slider();
    let mut guard = started(&robot, |_| ());
    let [low, high] = robot.joints[0].position;
    // It keeps a thousandth of the range.
    let edge = high - (high - low) / 1000.0;
    let mut place = robot.home.clone();
    place[0] = high + 1.0;
    let (mut before, mut speed, mut step) = (robot.home[0], 0.0, 0.0);
    let mut taken = [0; 4];
    for tick in 0..2000 {
        let out = guard
            .admit(&command(0, &place), &at(&robot.home), 0)
            .command
            .positions[0];
        let next = out - before;
        before = out;
        if tick == 0 {
            step = next;
            speed = next;
            continue;
        }
        let braked = (speed - step).max(0.0);
        let asked = speed + step;
        let stops = |mut speed: f64| {
            let mut end = out - next;
            while speed > 0.0 {
                end += speed;
                speed -= step;
            }
            end
        };
        let parts = [1.0, 0.6, 0.25, 0.0];
        let found = parts
            .iter()
            .position(|part| {
                stops(braked + part * (asked - braked)) <= edge + 1e-12 || *part == 0.0
            })
            .unwrap();
        let wanted = braked + parts[found] * (asked - braked);
        assert!(
            (next - wanted).abs() < 1e-12,
            "tick {tick}: {next}, not {wanted}"
        );
        taken[found] += 1;
        speed = next;
    }
    assert!(taken.iter().all(|n| *n > 0), "{taken:?}");
    assert!(
        edge - before < 1e-5 && guard.is_at_rest(),
        "it stopped at {before}"
    );
}
