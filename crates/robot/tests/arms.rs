//! What every robot that comes with Apprentice must do: find joints for poses, and not see itself in its way.
//! Figures are printed: `cargo test --release -p apprentice-robot --test arms -- --nocapture`.
// A test that fails may say so by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

use apprentice_core::Seed;
use apprentice_robot::{
    DifferentialIk, EMBEDDED, Kinematics, PoseError, PoseSolver, RobotDescription, SelfDistance,
};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use rand::Rng as _;
use std::time::Instant;

/// Random reachable poses of each arm.
const POSES: usize = 10_000;

fn random_joints(robot: &RobotDescription, rng: &mut impl rand::Rng) -> Vec<f64> {
    let limits = robot.joints.iter().map(|j| j.position);
    limits
        .map(|[low, high]| rng.random_range(low..=high))
        .collect()
}

/// Poses made from random joints, so that each can be reached; found from the home posture on.
fn success(name: &str) -> f64 {
    let robot = RobotDescription::embedded(name).unwrap();
    let (kinematics, solver) = (
        Kinematics::new(&robot).unwrap(),
        PoseSolver::new(&robot).unwrap(),
    );
    let mut rng = Seed(11).derive(name, 0).rng();
    let (mut found, mut starts, begun) = (0, 0, Instant::now());
    let mut worst = (0.0f64, 0.0f64);
    for k in 0..POSES {
        let target = kinematics.tool_pose(&random_joints(&robot, &mut rng));
        let Ok(solution) = solver.solve_pose(&target, &robot.home, Seed(k as u64)) else {
            continue;
        };
        // Judged by where the tool is, not by what the solver says of itself.
        let reached = kinematics.tool_pose(&solution.joints);
        let off = (reached.translation.vector - target.translation.vector).norm();
        let turned = reached.rotation.angle_to(&target.rotation);
        let within = robot.joints.iter().zip(&solution.joints);
        let within = within
            .clone()
            .all(|(j, q)| (j.position[0]..=j.position[1]).contains(q));
        if off < 1e-6 && turned < 1e-6 && within {
            found += 1;
            starts += solution.starts;
            worst = (worst.0.max(off), worst.1.max(turned));
        }
    }
    let rate = found as f64 / POSES as f64;
    println!(
        "{name}: {found} of {POSES} random reachable poses found ({:.2} %), {:.2} starts and {:.0} us a pose, worst {:.0e} m and {:.0e} rad",
        rate * 100.0,
        starts as f64 / f64::from(found),
        begun.elapsed().as_secs_f64() * 1e6 / POSES as f64,
        worst.0,
        worst.1,
    );
    rate
}

#[test]
fn joints_are_found_for_ten_thousand_poses_of_each_arm() {
    std::thread::scope(|scope| {
        let rates: Vec<_> = EMBEDDED
            .map(|name| (name, scope.spawn(move || success(name))))
            .into();
        for (name, rate) in rates {
            let rate = rate.join().unwrap();
            assert!(rate >= 0.999, "{name}: {rate}");
        }
    });
}

#[test]
fn an_arm_of_five_joints_reaches_positions_turned_as_near_as_it_can() {
    let robot = RobotDescription::embedded("so101").unwrap();
    let (kinematics, solver) = (
        Kinematics::new(&robot).unwrap(),
        PoseSolver::new(&robot).unwrap(),
    );
    let mut rng = Seed(5).rng();
    let (mut found, mut no_worse) = (0, 0);
    const TRIES: usize = 500;
    for k in 0..TRIES {
        let reachable = kinematics.tool_pose(&random_joints(&robot, &mut rng));
        // Turned away from what was reachable by a known angle: the nearest turn is at most that far.
        let axis = Vector3::from_fn(|_, _| rng.random_range(-1.0..1.0));
        let turn = UnitQuaternion::new(axis.normalize() * 0.3);
        let target = Isometry3::from_parts(reachable.translation, turn * reachable.rotation);
        let Ok(solution) = solver.solve_pose(&target, &robot.home, Seed(k as u64)) else {
            continue;
        };
        let reached = kinematics.tool_pose(&solution.joints);
        let off = (reached.translation.vector - target.translation.vector).norm();
        found += usize::from(off < 1e-6);
        no_worse +=
            usize::from(off < 1e-6 && reached.rotation.angle_to(&target.rotation) < 0.3 + 1e-6);
    }
    println!(
        "so101: of {TRIES} positions with orientations out of reach, {found} found, {no_worse} of them turned no further off than is known to be possible"
    );
    assert!(found as f64 >= 0.99 * TRIES as f64 && no_worse as f64 >= 0.97 * TRIES as f64);
}

#[test]
fn what_is_out_of_reach_or_no_number_is_refused() {
    let far = Isometry3::translation(3.0, 0.0, 0.3);
    for name in ["so101", "ur5e"] {
        let robot = RobotDescription::embedded(name).unwrap();
        let solver = PoseSolver::new(&robot).unwrap();
        let error = solver.solve_pose(&far, &robot.home, Seed(0)).unwrap_err();
        let PoseError::OutOfReach { position_m, .. } = &error else {
            panic!("{error}");
        };
        assert!((1.0..3.0).contains(position_m), "{error}");
        assert!(error.to_string().contains(name));
    }
    let robot = RobotDescription::embedded("ur5e").unwrap();
    let solver = PoseSolver::new(&robot).unwrap();
    for bad in [f64::NAN, f64::INFINITY, 1e300] {
        let pose = Isometry3::translation(bad, 0.0, 0.0);
        assert!(matches!(
            solver.solve_pose(&pose, &robot.home, Seed(0)),
            Err(PoseError::Input { .. })
        ));
    }
    let near = Isometry3::translation(0.4, 0.0, 0.3);
    for start in [&[][..], &[0.0; 7], &[f64::NAN; 6]] {
        assert!(matches!(
            solver.solve_pose(&near, start, Seed(0)),
            Err(PoseError::Input { .. })
        ));
    }
    let again = |seed| solver.solve_pose(&near, &robot.home, Seed(seed)).unwrap();
    assert_eq!(again(3), again(3));
}

/// What was seen on the way to poses over the workspace.
struct Seen {
    asked: usize,
    reached: usize,
    /// Smallest distance of the arm from itself on ways that reach their pose, and of which capsules.
    least: f64,
    pair: [usize; 2],
    home: f64,
    /// Smallest share of a joint's speed that its barrier leaves it anywhere.
    speed: f64,
}

/// From home on, as the control loop goes there, to poses over the workspace with the tool turned down.
fn over_the_workspace(name: &str) -> Seen {
    let robot = RobotDescription::embedded(name).unwrap();
    let (ik, kinematics) = (
        DifferentialIk::new(&robot).unwrap(),
        Kinematics::new(&robot).unwrap(),
    );
    let mut distance = SelfDistance::new(&robot).unwrap();
    let w = robot.workspace.unwrap();
    let down = kinematics.tool_pose(&robot.home).rotation;
    let mut rng = Seed(3).rng();
    let mut seen = Seen {
        asked: 0,
        reached: 0,
        least: f64::INFINITY,
        pair: [0; 2],
        home: distance.clearance(&robot.home),
        speed: 1.0,
    };
    for _ in 0..500 {
        let place = Translation3::from(Vector3::from_fn(|i, _| {
            rng.random_range(w.min[i]..w.max[i])
        }));
        let yaw = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), rng.random_range(-1.2..1.2));
        let target = Isometry3::from_parts(place, yaw * down);
        seen.asked += 1;
        let mut joints = robot.home.clone();
        let mut way = Vec::new();
        for _ in 0..300 {
            joints = ik.step(&joints, &target, 0.02);
            way.push(joints.clone());
        }
        let reached = kinematics.tool_pose(&joints);
        if (reached.translation.vector - place.vector).norm() > 1e-3 {
            continue;
        }
        seen.reached += 1;
        for joints in way {
            let near = distance.nearest(&joints).unwrap();
            if near.distance < seen.least {
                (seen.least, seen.pair) = (near.distance, near.pair);
            }
            for (joint, q) in robot.joints.iter().zip(&joints) {
                let Some(barrier) = joint.barrier else {
                    continue;
                };
                let room = (q - joint.position[0]).min(joint.position[1] - q).max(0.0);
                let speed = (2.0 * barrier.deceleration * room).sqrt() - barrier.offset;
                seen.speed = seen.speed.min(speed / joint.velocity);
            }
        }
    }
    seen
}

#[test]
fn no_arm_is_in_its_own_way_where_it_works() {
    // With five joints no tool can be turned down everywhere: the loop commands such an arm in its joints.
    for name in EMBEDDED.into_iter().filter(|name| *name != "so101") {
        let seen = over_the_workspace(name);
        println!(
            "{name}: {:.1} mm from itself at home; {} of {} poses over the workspace, tool down and turned by up to 1.2 rad, are reached from home as the control loop goes: at least {:.1} mm from itself on the way (capsules {:?}); its velocity barriers leave {:.0} % of the speed everywhere",
            seen.home * 1e3,
            seen.reached,
            seen.asked,
            seen.least * 1e3,
            seen.pair,
            seen.speed.max(0.0) * 100.0
        );
        assert!(seen.home > 0.01, "{name}: {} m", seen.home);
        // The demonstrations of the loop must not be held up by a guard that keeps 10 mm.
        if name == "franka_fr3" {
            assert!(seen.least > 0.012, "{name}: {} m", seen.least);
        }
    }
}
