//! How far the guard looks ahead, and what it takes when not all of what was asked for can be had.

use crate::{at, beside, command, robots};
use apprentice_robot::{Kinematics, RobotDescription, SelfDistance};
use apprentice_safety::{Checker, Guard, GuardConfig};

fn started(robot: &RobotDescription, change: impl Fn(&mut GuardConfig)) -> Guard {
    let mut config = GuardConfig {
        following_error_rad: 0.0,
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
        why.extend(out.interventions.names());
        fastest = fastest.max((out.command.positions[0] - before) * robot.control_hz);
        before = out.command.positions[0];
    }
    assert!(
        (before - 0.45).abs() < 0.05,
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
    let mut quicker = robots::shipped();
    quicker.control_hz = 200.0;
    for joint in &mut quicker.joints {
        // In 52 ticks and one: short, but with two edges more than 96 poses.
        joint.velocity = joint.velocity.min(0.26 * joint.acceleration);
    }
    for robot in [robots::shipped(), quicker, robots::at_1_khz()] {
        let long = robot.control_hz > 500.0;
        // The tool turns about the base at one height, and nothing of the arm comes nearer to itself.
        let height = Kinematics::new(&robot)
            .unwrap()
            .tool_pose(&robot.home)
            .translation
            .vector[2];
        let nearest = SelfDistance::new(&robot).unwrap().clearance(&robot.home);
        let full = 0.97 * robot.joints[0].velocity;
        // 96 poses of braking, or half of them where there are two edges.
        let slow = 96.0 * robot.joints[0].acceleration / robot.control_hz;
        let all = f64::INFINITY;
        for (below, beside, most) in [
            (all, all, all),
            // Far enough away for most poses, then once again.
            (0.05, all, all),
            (all, 0.005, all),
            (1e-7, all, slow),
            (all, 1e-7, slow),
            (1e-7, 1e-7, slow / 2.0),
        ] {
            let mut robot = robot.clone();
            // It keeps a tenth of a millimetre.
            let edge = &mut robot.workspace.as_mut().unwrap().min[2];
            *edge = edge.max(height - 1e-4 - below);
            let mut guard = started(&robot, |c| {
                c.self_clearance_m = c.self_clearance_m.max(nearest - beside);
            });
            assert_eq!(guard.braking_ticks() > 64, long);
            let (speed, why) = fastest(&robot, &mut guard);
            let says = format!("{} Hz {below} {beside}: {speed} {why:?}", robot.control_hz);
            if long && most.is_finite() {
                assert!(speed < most && speed > 0.7 * most, "{says}");
                let by_itself = why.contains(&"self_collision");
                assert!(by_itself || why.contains(&"workspace"), "{says}");
            } else {
                assert!(speed > full, "{says}");
                assert_eq!(why.contains(&"jerk"), long, "{says}");
                assert!(
                    !why.contains(&"workspace") && !why.contains(&"self_collision"),
                    "{says}"
                );
            }
        }
    }
}

/// Of the way between braking and what was asked for it takes all, 0.6, 0.25 or nothing: the most from which it
/// still stops in time.
#[test]
fn near_a_limit_it_takes_the_most_from_which_it_still_stops() {
    let mut taken = [0; 4];
    for rate in [500.0, 50.0] {
        let mut robot = robots::slider();
        robot.control_hz = rate;
        let mut guard = started(&robot, |_| ());
        let [low, high] = robot.joints[0].position;
        // It keeps a thousandth of the range.
        let edge = high - (high - low) / 1000.0;
        let mut place = robot.home.clone();
        place[0] = high + 1.0;
        let (mut before, mut speed, mut step) = (robot.home[0], 0.0, 0.0);
        for tick in 0..2000 {
            let admitted = guard.admit(&command(0, &place), &at(&robot.home), 0);
            let out = admitted.command.positions[0];
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
            let names: Vec<_> = admitted.interventions.names().collect();
            assert_eq!(names.contains(&"position"), found > 0, "{names:?}");
            taken[found] += 1;
            speed = next;
        }
        assert!(
            edge - before < 1e-3 && guard.is_at_rest(),
            "it stopped at {before}"
        );
    }
    assert!(taken.iter().all(|n| *n > 0), "{taken:?}");
}

/// With links of metres a small turn goes far.
#[test]
fn a_long_arm_stops_at_the_same_edges() {
    let mut robot = robots::folder();
    for joint in &mut robot.joints {
        joint.jerk = None;
        joint.acceleration = 60.0;
        joint.barrier = None;
    }
    let kinematics = robot.kinematics.as_mut().unwrap();
    kinematics.dh.iter_mut().flatten().for_each(|v| *v *= 10.0);
    kinematics.tool_offset_m *= 10.0;
    for capsule in &mut robot.capsules {
        capsule.from = capsule.from.map(|v| v * 10.0);
        capsule.to = capsule.to.map(|v| v * 10.0);
        capsule.radius *= 10.0;
    }
    let workspace = robot.workspace.as_mut().unwrap();
    workspace.min = workspace.min.map(|v| v * 10.0);
    workspace.max = workspace.max.map(|v| v * 10.0);
    let mut free = robot.clone();
    free.workspace = None;
    for (robot, goal, reason) in [
        (&robot, [-1.5, 0.5], "workspace"),
        (&free, [0.4, 2.95], "self_collision"),
    ] {
        let mut guard = started(robot, |_| ());
        let mut checker = Checker::new(robot).unwrap();
        checker.set_min_clearance(Some(0.01));
        checker.restart(&at(&robot.home));
        let mut why = Vec::new();
        for _ in 0..400 {
            let out = guard.admit(&command(0, &goal), &at(&robot.home), 0);
            why.extend(out.interventions.names());
            assert_eq!(checker.check(&out.command, 0), []);
        }
        why.sort_unstable();
        why.dedup();
        assert!(why.contains(&reason), "{reason}: {why:?}");
    }
}

/// Nor is anything else said to be in the way.
#[test]
fn an_arm_with_nothing_but_limits_is_stopped_by_nothing_else() {
    let mut robot = robots::folder();
    robot.workspace = None;
    robot.capsules.clear();
    for goal in [
        [2.9, 0.5],
        [-2.9, 0.5],
        [0.4, 3.0],
        [0.4, -3.0],
        [2.9, -3.0],
    ] {
        let mut guard = started(&robot, |_| ());
        let mut said = Vec::new();
        for tick in 0..1500 {
            // It turns back and forth before.
            let to = if tick / 70 % 3 == 1 { [0.4, 0.5] } else { goal };
            let out = guard.admit(&command(0, &to), &at(&robot.home), 0);
            said.extend(out.interventions.names());
        }
        let others = ["position", "barrier", "velocity", "acceleration", "jerk"];
        assert!(said.iter().all(|name| others.contains(name)), "{said:?}");
        assert!(said.contains(&"barrier"));
    }
}
