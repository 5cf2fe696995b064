//! How long a tick of the guard takes.

use crate::proposals::{Proposer, at};
use crate::robots;
use apprentice_core::{JointCommand, Seed};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Guard, GuardConfig};
use rand::Rng;
use std::time::Instant;

/// Sorted tick times, microseconds, of an arm that reaches for random places in its workspace, or of one that
/// hears hostile commands.
fn times(robot: &RobotDescription, hostile: bool) -> Vec<f64> {
    let mut rng = Seed(9).rng();
    let config = GuardConfig {
        following_error_rad: 0.0,
        ..GuardConfig::default()
    };
    let mut guard = Guard::new(robot, config).unwrap();
    let mut proposer = Proposer::new(robot);
    guard.restart(&at(robot.home.clone())).unwrap();
    let mut out = JointCommand {
        sequence: 0,
        stamp_ns: 0,
        positions: robot.home.clone(),
        gripper_width: 0.0,
    };
    let mut target = robot.home.clone();
    let mut times = Vec::new();
    for tick in 0..20_000 {
        if rng.random_bool(2.0 / robot.control_hz) {
            for (to, (joint, home)) in target.iter_mut().zip(robot.joints.iter().zip(&robot.home)) {
                *to = (home + rng.random_range(-0.8..0.8))
                    .clamp(joint.position[0], joint.position[1]);
            }
        }
        let state = at(out.positions.clone());
        let proposed = if hostile {
            proposer.next(robot, &out.positions, (tick, 0), &mut rng)
        } else {
            JointCommand {
                positions: target.clone(),
                ..out.clone()
            }
        };
        // The same three times over: whatever else the machine does hardly comes in all of them.
        let mut shortest = f64::INFINITY;
        for _ in 0..2 {
            let mut twin = guard.clone();
            let start = Instant::now();
            let _ = std::hint::black_box(twin.admit_into((&proposed).into(), &state, 0, &mut out));
            shortest = shortest.min(start.elapsed().as_secs_f64() * 1e6);
        }
        let start = Instant::now();
        let _ = std::hint::black_box(guard.admit_into((&proposed).into(), &state, 0, &mut out));
        times.push(shortest.min(start.elapsed().as_secs_f64() * 1e6));
    }
    times.sort_by(f64::total_cmp);
    times
}

#[test]
fn a_tick_is_short() {
    let ur5e = robots::embedded("ur5e");
    for robot in [
        robots::shipped(),
        robots::at_1_khz(),
        robots::folder(),
        ur5e,
    ] {
        for hostile in [false, true] {
            let times = times(&robot, hostile);
            let of = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
            println!(
                "{} at {} Hz, {}: p50 {:.1}, p99 {:.1}, longest {:.1} us a tick",
                robot.name,
                robot.control_hz,
                if hostile { "hostile" } else { "reaching" },
                of(0.5),
                of(0.99),
                of(1.0)
            );
            // A tenth of a period at a thousand commands a second; twice as much where a machine is busy.
            assert!(of(0.5) < 100.0 && of(0.99) < 300.0);
        }
    }
}
