//! Targets at a limit, as they come from policies, whose numbers have 32 bits.

use crate::{at, command, fr3, robots};
use apprentice_core::JointCommand;
use apprentice_robot::RobotDescription;
use apprentice_safety::{Guard, GuardConfig};
use std::collections::BTreeSet;

fn guard_of(robot: &RobotDescription) -> Guard {
    let mut guard = Guard::new(robot, GuardConfig::default()).unwrap();
    guard.restart(&at(&robot.home)).unwrap();
    guard
}

/// Goes from home to where a joint is wanted, slowly, and stays there for a second: where it ends, and every reason
/// that the guard gave. No command is ever outside the limits.
fn go(robot: &RobotDescription, joint: usize, wanted: f64) -> (f64, BTreeSet<&'static str>) {
    let mut guard = guard_of(robot);
    let (mut arm, mut why) = (robot.home.clone(), BTreeSet::new());
    let [low, high] = robot.joints[joint].position;
    let ticks = (20.0 * robot.control_hz) as u64;
    let stay = robot.control_hz as u64;
    for tick in 0..ticks + stay {
        let part = tick.min(ticks) as f64 / ticks as f64;
        let mut goal = robot.home.clone();
        goal[joint] += (wanted - goal[joint]) * (0.5 - 0.5 * (std::f64::consts::PI * part).cos());
        if tick >= ticks {
            goal[joint] = wanted;
        }
        let out = guard.admit(&command(tick, &goal), &at(&arm), 0);
        why.extend(out.interventions.names());
        arm.clone_from(&out.command.positions);
        assert!((low..=high).contains(&arm[joint]), "{}", arm[joint]);
    }
    (arm[joint], why)
}

/// Robots whose joints may go anywhere within their limits: with jerk limits, without, and one that slides.
fn free() -> Vec<RobotDescription> {
    let mut plain = fr3();
    for joint in &mut plain.joints {
        (joint.jerk, joint.barrier) = (None, None);
    }
    let mut without_barrier = fr3();
    for joint in &mut without_barrier.joints {
        joint.barrier = None;
    }
    let so101 = RobotDescription::embedded("so101").unwrap();
    let mut all = vec![plain, without_barrier, so101, robots::slider()];
    for robot in &mut all {
        robot.workspace = None;
        robot.capsules.clear();
    }
    all
}

/// The unit in the last place of this number with 32 bits.
fn ulp(number: f64) -> f64 {
    let rounded = (number as f32).abs();
    f64::from(f32::from_bits(rounded.to_bits() + 1) - rounded)
}

/// The ends of a joint's range, each with the way out; not 0, which rounding does not change.
fn ends(robot: &RobotDescription, joint: usize) -> Vec<(f64, f64)> {
    let [low, high] = robot.joints[joint].position;
    let ends = [(low, -1.0), (high, 1.0)];
    ends.into_iter().filter(|e| e.0 != 0.0).collect()
}

#[test]
fn a_joint_that_is_wanted_at_its_limit_goes_there_and_nothing_is_counted() {
    for robot in free() {
        for joint in 0..robot.joints.len() {
            let [low, high] = robot.joints[joint].position;
            for (limit, out) in ends(&robot, joint) {
                // At it, rounded, and two units further out.
                let further = limit + 2.0 * out * ulp(limit);
                for wanted in [limit, f64::from(limit as f32), further] {
                    let (end, why) = go(&robot, joint, wanted);
                    assert_eq!(why, BTreeSet::new(), "{} {joint} {wanted}", robot.name);
                    assert!((end - limit).abs() <= 2e-3 * (high - low), "{end}, {limit}");
                }
            }
        }
    }
}

#[test]
fn a_joint_that_is_wanted_beyond_its_limit_is_counted_and_stays_within() {
    for robot in free() {
        for joint in 0..robot.joints.len() {
            let [low, high] = robot.joints[joint].position;
            for (limit, out) in ends(&robot, joint) {
                // Four units of the larger end are rounding at most.
                let further = limit + 5.0 * out * ulp(low.abs().max(high.abs()));
                let (_, why) = go(&robot, joint, further);
                assert!(why.contains("position"), "{} {joint} {why:?}", robot.name);
            }
        }
    }
}

#[test]
fn an_opening_at_the_widest_or_closed_counts_nothing_and_beyond_them_does() {
    for widest in [0.08, 0.085, 0.1, 0.07] {
        let mut robot = fr3();
        let mut gripper = robot.gripper.unwrap();
        gripper.max_width_m = widest;
        robot.gripper = Some(gripper);
        let mut guard = guard_of(&robot);
        let mut opened = |width: f64| {
            let sent = JointCommand {
                gripper_width: width,
                ..command(1, &robot.home)
            };
            let out = guard.admit(&sent, &at(&robot.home), 0);
            assert!((0.0..=widest).contains(&out.command.gripper_width));
            let names: Vec<_> = out.interventions.names().collect();
            names
        };
        for width in [widest, f64::from(widest as f32), widest + 2.0 * ulp(widest)] {
            assert!(opened(width).is_empty(), "{width}");
        }
        assert!(opened(0.0).is_empty() && opened(-1e-9).is_empty());
        for width in [widest + 5.0 * ulp(widest), widest + 1e-6, -1e-6] {
            assert_eq!(opened(width), ["gripper"], "{width}");
        }
    }
}
