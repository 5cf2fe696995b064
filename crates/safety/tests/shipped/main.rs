//! With the settings the arm of the demo comes with, jerk never binds, and what leaves the guard is to the last
//! bit what plain arithmetic makes of it.
#![allow(clippy::unwrap_used)]

mod plain_guard;

use apprentice_core::{JointCommand, RobotState, Seed};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Guard, GuardConfig, Refusal};
use plain_guard::PlainGuard;
use rand::Rng;

fn at(positions: Vec<f64>) -> RobotState {
    RobotState {
        sequence: 0,
        stamp_ns: 0,
        velocities: vec![0.0; positions.len()],
        positions,
        gripper_width: 0.04,
    }
}

#[test]
fn commands_of_the_demo_are_what_they_were() {
    let shipped = RobotDescription::embedded("franka_fr3").unwrap();
    for index in 0..60 {
        compare(&shipped, Seed(5).derive("shipped", index), false);
    }
    // Almost everywhere inside, so that position limits are reached too.
    let mut free = shipped;
    let workspace = free.workspace.as_mut().unwrap();
    (workspace.min, workspace.max) = ([-2.0; 3], [2.0; 3]);
    for index in 0..20 {
        compare(&free, Seed(5).derive("free", index), true);
    }
}

fn compare(robot: &RobotDescription, seed: Seed, touching: bool) {
    let mut rng = seed.rng();
    let lead_limit = [0.5, 0.0, 0.02][rng.random_range(0..3)];
    let mut guard = Guard::new(
        robot,
        GuardConfig {
            lead_limit,
            // Only the box keeps the arm from itself.
            self_clearance_m: if touching { 0.0 } else { 0.01 },
            ..GuardConfig::default()
        },
    )
    .unwrap();
    let mut plain = PlainGuard::new(robot, lead_limit);
    let home = at(robot.home.clone());
    assert!(guard.restart(&home));
    plain.restart(&home);
    let (mut style, mut changed) = (0, 0);
    let mut far = robot.home.clone();
    for tick in 0..2_000 {
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
            _ => plain.position[i] + 0.004 * (f64::from(tick) / 30.0).sin(),
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
            guard.hold(Refusal::Stale, &state, 0)
        } else {
            plain.admit(&proposed, &state);
            guard.admit(&proposed, &state, 0)
        };
        changed += u32::from(!admitted.refusals.is_empty());
        if !touching && admitted.refusals.contains(Refusal::SelfCollision) {
            // The box leaves room for the arm to touch itself; what is compared ends where it would.
            break;
        }
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
}
