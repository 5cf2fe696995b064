//! More than a million random and hostile commands and measurements, and not one command beyond a limit.
//!
//! `APPRENTICE_HOSTILE=20` runs twenty times as many, 0.1 a tenth.
#![allow(clippy::unwrap_used)]

mod proposals;
mod robots;

use apprentice_core::{JointCommand, Seed};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Checker, Guard, GuardConfig, Intervention, InterventionCounts, Proposal};
use proposals::{Proposer, at, measurement};
use rand::Rng;

/// Commands in each stream.
const TICKS: u64 = 2_000;

/// What a run of streams came to.
#[derive(Default)]
struct Sum {
    ticks: u64,
    moved: f64,
    unchanged: u64,
    counts: InterventionCounts,
}

/// Runs one stream.
fn stream(robot: &RobotDescription, config: &GuardConfig, seed: Seed, sum: &mut Sum) {
    let mut rng = seed.rng();
    let mut guard = Guard::new(robot, config.clone()).unwrap();
    let mut checker = Checker::new(robot).unwrap();
    checker.set_min_clearance(Some((config.self_clearance_m - 1e-6).max(0.0)));
    if config.self_clearance_m == 0.0 {
        checker.set_min_clearance(None);
    }
    let mut proposer = Proposer::new(robot);
    let mut path = vec![robot.home.clone()];
    guard.restart(&at(robot.home.clone())).unwrap();
    checker.restart(&at(robot.home.clone()));
    let mut states = 0;
    let period_ns = (1e9 / robot.control_hz) as u64;
    let mut command = JointCommand {
        sequence: 0,
        stamp_ns: 0,
        positions: Vec::new(),
        gripper_width: 0.0,
    };
    for tick in 0..TICKS {
        if rng.random_bool(0.01) {
            states = rng.random_range(0..10);
        }
        let now_ns = proposer.now_ns(&mut rng, period_ns);
        let state = measurement(states, &path, &mut rng);
        if rng.random_bool(0.001) {
            // From where the arm has been, the guard can start; from anywhere else it must not.
            let from = at(path[rng.random_range(0..path.len())].clone());
            guard.restart(&from).unwrap();
            checker.restart(&from);
            path = vec![from.positions];
        } else if rng.random_bool(0.001) {
            let nowhere = [f64::NAN, 1e300][rng.random_range(0..2)];
            let nowhere = [nowhere; 12][..rng.random_range(0..12)].to_vec();
            assert!(guard.restart(&at(nowhere)).is_err());
        }
        let place = path.last().unwrap();
        let proposed = proposer.next(robot, place, (tick, now_ns), &mut rng);
        let interventions = match rng.random_range(0..300) {
            0 => guard.hold_into(Intervention::Stale, &state, now_ns, &mut command),
            1 => guard.hold_into(Intervention::NotAPose, &state, now_ns, &mut command),
            2 => {
                let old = Proposal::from(&proposed).observed_at(rng.random());
                guard.admit_into(old, &state, now_ns, &mut command)
            }
            _ => guard.admit_into((&proposed).into(), &state, now_ns, &mut command),
        };
        let found = checker.check_beside(&command, now_ns, &state, config.following_error_rad);
        assert!(
            found.is_empty(),
            "{} {config:?} {seed:?} tick {tick}, commands {}, states {states}: {found:?}",
            robot.name,
            proposer.style()
        );
        let sound = state.positions.len() == robot.joints.len()
            && state.positions.iter().all(|q| q.is_finite());
        assert!(sound || interventions.contains(Intervention::State));
        sum.counts.count(interventions);
        sum.unchanged += u64::from(interventions.is_empty());
        sum.moved += (command.positions[0] - place[0]).abs();
        path.push(command.positions.clone());
    }
    assert_eq!((checker.commands(), checker.violations()), (TICKS, 0));
    sum.ticks += TICKS;
}

fn streams_stay_within_limits(robot: &RobotDescription, thousands: u64) {
    let times: f64 = std::env::var("APPRENTICE_HOSTILE").map_or(1.0, |times| {
        times.parse().expect("APPRENTICE_HOSTILE: a number")
    });
    let streams = ((thousands * 1000 / TICKS) as f64 * times).ceil() as u64;
    let mut sum = Sum::default();
    let start = std::time::Instant::now();
    for index in 0..streams {
        let following_error_rad = [0.5, 0.0, 1e-3, 0.05, 1e300][index as usize % 5];
        let config = GuardConfig {
            following_error_rad,
            self_clearance_m: [0.01, 0.03, 0.01, 0.0][index as usize / 5 % 4],
            ..GuardConfig::default()
        };
        stream(
            robot,
            &config,
            Seed(11).derive(&robot.name, index),
            &mut sum,
        );
    }
    let reasons: Vec<String> = sum
        .counts
        .named()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    println!(
        "{} at {} Hz: {} ticks, 0 violations, {} let through unchanged, joint 1 moved {:.0} {} in all, {:.1} s; {}",
        robot.name,
        robot.control_hz,
        sum.ticks,
        sum.unchanged,
        sum.moved,
        robot.joints[0].unit,
        start.elapsed().as_secs_f64(),
        reasons.join(", ")
    );
    let seconds = sum.ticks as f64 / robot.control_hz;
    assert!(
        sum.moved > 0.02 * robot.joints[0].velocity * seconds,
        "{}: the guard must not pass by standing still: joint 1 moved {} in {seconds} s",
        robot.name,
        sum.moved
    );
    let shaped = robot.joints.iter().any(|j| {
        j.jerk
            .is_some_and(|l| l < 2.0 * j.acceleration * robot.control_hz)
    });
    assert!(!shaped || sum.counts.of(Intervention::Jerk) > 0);
    assert!(robot.workspace.is_none() || sum.counts.of(Intervention::Workspace) > 0);
}

#[test]
fn the_arm_of_the_demo_stays_within_its_limits() {
    streams_stay_within_limits(&robots::shipped(), 400);
}

#[test]
fn and_so_it_does_at_a_thousand_commands_a_second() {
    streams_stay_within_limits(&robots::at_1_khz(), 100);
}

#[test]
fn and_so_does_an_arm_that_can_hit_its_own_base() {
    streams_stay_within_limits(&robots::folder(), 300);
}

#[test]
fn and_so_does_a_robot_without_kinematics() {
    streams_stay_within_limits(&robots::slider(), 200);
}

/// The other robots that come with Apprentice, as they are.
#[test]
fn and_so_do_the_other_arms() {
    let others = apprentice_robot::EMBEDDED
        .iter()
        .filter(|name| **name != "franka_fr3");
    for name in others {
        streams_stay_within_limits(&robots::embedded(name), 60);
    }
}
