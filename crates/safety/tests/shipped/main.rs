//! With the settings the arm of the demo comes with, jerk never binds, and what leaves the guard is to the last
//! bit what plain arithmetic makes of it.
#![allow(clippy::unwrap_used)]

mod plain_guard;
#[path = "../hostile/robots.rs"]
#[allow(dead_code)]
mod robots;

use apprentice_core::{JointCommand, RobotState, Seed};
use apprentice_robot::{DifferentialIk, Kinematics, RobotDescription};
use apprentice_safety::{Guard, GuardConfig, Intervention};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use plain_guard::PlainGuard;
use rand::Rng;

const TICKS: u64 = 2_000;

fn at(positions: Vec<f64>) -> RobotState {
    RobotState {
        sequence: 0,
        stamp_ns: 0,
        velocities: vec![0.0; positions.len()],
        positions,
        gripper_width: 0.04,
        efforts: None,
        external_wrench: None,
    }
}

#[test]
fn commands_of_the_demo_are_what_they_were() {
    let shipped = robots::shipped();
    let ticks = (0..60).map(|index| compare(&shipped, Seed(5).derive("shipped", index)));
    let ticks: u64 = ticks.sum();
    println!("{ticks} commands as they were, up to where a barrier or a capsule was in the way");
    assert!(ticks > 10_000);
    // Without these, for as long as one likes.
    let mut plain = shipped;
    plain.capsules.clear();
    for joint in &mut plain.joints {
        joint.barrier = None;
    }
    for index in 0..40 {
        assert_eq!(compare(&plain, Seed(5).derive("plain", index)), TICKS);
    }
    // Almost everywhere inside, so that position limits are reached too.
    let workspace = plain.workspace.as_mut().unwrap();
    (workspace.min, workspace.max) = ([-2.0; 3], [2.0; 3]);
    for index in 0..20 {
        assert_eq!(compare(&plain, Seed(5).derive("free", index)), TICKS);
    }
}

/// Compares commands until one of the stages that plain arithmetic does not have changes one; answers how many
/// were the same.
fn compare(robot: &RobotDescription, seed: Seed) -> u64 {
    let mut rng = seed.rng();
    let following_error_rad = [0.5, 0.0, 0.02][rng.random_range(0..3)];
    let config = GuardConfig {
        following_error_rad,
        ..GuardConfig::default()
    };
    let mut guard = Guard::new(robot, config).unwrap();
    let mut plain = PlainGuard::new(robot, following_error_rad);
    let home = at(robot.home.clone());
    guard.restart(&home).unwrap();
    plain.restart(&home);
    let (mut style, mut changed) = (0, 0);
    let mut far = robot.home.clone();
    for tick in 0..TICKS {
        if rng.random_bool(0.03) {
            style = rng.random_range(0..5);
            let anywhere =
                |j: &apprentice_robot::Joint| rng.random_range(j.position[0]..j.position[1]);
            far = robot.joints.iter().map(anywhere).collect();
        }
        let target = |i: usize, rng: &mut rand_chacha::ChaCha8Rng| match style {
            0 => far[i],
            1 => plain.position[i] + rng.random_range(-0.03..0.03),
            2 => robot.home[i],
            3 => rng.random_range(-8e307..8e307),
            _ => plain.position[i] + 0.004 * ((tick as f64) / 30.0).sin(),
        };
        let proposed = JointCommand {
            sequence: 1,
            stamp_ns: 0,
            positions: (0..7).map(|i| target(i, &mut rng)).collect(),
            gripper_width: rng.random_range(-0.1..0.2),
        };
        let measured = plain
            .position
            .iter()
            .map(|q| q + rng.random_range(-0.01..0.01));
        let state = at(measured.collect());
        let admitted = if rng.random_bool(0.01) {
            plain.brake();
            guard.hold(Intervention::Stale, &state, 0)
        } else {
            plain.admit(&proposed, &state);
            guard.admit(&proposed, &state, 0)
        };
        changed += u32::from(!admitted.interventions.is_empty());
        let new = [Intervention::Barrier, Intervention::SelfCollision];
        if new.iter().any(|&r| admitted.interventions.contains(r)) {
            return tick;
        }
        assert!(!admitted.interventions.contains(Intervention::Jerk));
        let bits = |q: &[f64]| q.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(
            bits(&admitted.command.positions),
            bits(&plain.position),
            "{seed:?} tick {tick}"
        );
        assert_eq!(
            admitted.command.gripper_width.to_bits(),
            plain.width.to_bits()
        );
    }
    assert!(changed > 100);
    TICKS
}

/// What the demo does, twice as fast: the tool points down, more or less, and goes from place to place where its
/// mugs stand, with room around them for grasps and knocks. Neither barriers nor capsules come into that.
#[test]
fn work_at_the_table_of_the_demo_meets_no_new_stage() {
    let robot = RobotDescription::embedded("franka_fr3").unwrap();
    let ik = DifferentialIk::new(&robot).unwrap();
    let mut ticks = 0_u64;
    for index in 0..40 {
        let mut rng = Seed(6).derive("table", index).rng();
        let mut guard = Guard::new(&robot, GuardConfig::default()).unwrap();
        let mut plain = PlainGuard::new(&robot, GuardConfig::default().following_error_rad);
        let home = at(robot.home.clone());
        guard.restart(&home).unwrap();
        plain.restart(&home);
        let mut goal = Kinematics::new(&robot).unwrap().tool_pose(&robot.home);
        let mut pose = goal;
        for tick in 0..1_000 {
            if tick % 100 == 0 {
                let place = Vector3::new(
                    rng.random_range(0.38..0.62),
                    rng.random_range(-0.18..0.18),
                    rng.random_range(0.02..0.35),
                );
                let turned = |axis, by| UnitQuaternion::from_axis_angle(&axis, by);
                let down = turned(Vector3::z_axis(), rng.random_range(-1.2..1.2))
                    * turned(Vector3::x_axis(), std::f64::consts::PI)
                    * turned(Vector3::y_axis(), rng.random_range(-0.1..0.1));
                goal = Isometry3::from_parts(Translation3::from(place), down);
            }
            if tick % 5 == 0 {
                // An action: 0.34 m/s, 2.4 rad/s.
                let way = goal.translation.vector - pose.translation.vector;
                let angle = pose.rotation.angle_to(&goal.rotation);
                let part = (0.034 / way.norm().max(1e-9))
                    .min(0.24 / angle.max(1e-9))
                    .min(1.0);
                pose = pose.lerp_slerp(&goal, part);
            }
            let proposed = JointCommand {
                sequence: 1,
                stamp_ns: 0,
                positions: ik.step(&plain.position, &pose, 1.0 / robot.control_hz),
                gripper_width: 0.04,
            };
            let state = at(plain.position.clone());
            plain.admit(&proposed, &state);
            let admitted = guard.admit(&proposed, &state, 0);
            let why: Vec<_> = admitted.interventions.names().collect();
            assert_eq!(
                admitted.command.positions, plain.position,
                "{index} {tick} {why:?} {pose}"
            );
            ticks += 1;
        }
    }
    println!("{ticks} commands at the table, all as they were");
}
