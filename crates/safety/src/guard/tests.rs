use super::*;
use crate::GuardConfig;
use apprentice_core::{JointCommand, RobotState};
use apprentice_robot::RobotDescription;

/// The last resort: the ticks it looks ahead are always enough, but if they were not it must not go on.
#[test]
fn an_arm_that_would_not_stop_within_the_ticks_it_is_looked_ahead_gets_no_faster() {
    let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
    robot.workspace = None;
    robot.capsules.clear();
    let mut guard = Guard::new(&robot, GuardConfig::default()).unwrap();
    guard.braking_ticks = 3;
    let state = RobotState {
        sequence: 0,
        stamp_ns: 0,
        positions: robot.home.clone(),
        velocities: vec![0.0; 7],
        gripper_width: 0.0,
        efforts: None,
        external_wrench: None,
    };
    let mut proposed = JointCommand {
        sequence: 0,
        stamp_ns: 0,
        positions: robot.home.clone(),
        gripper_width: 0.0,
    };
    proposed.positions[0] += 0.4;
    let mut refused = 0;
    for _ in 0..20 {
        let admitted = guard.admit(&proposed, &state, 0);
        let names: Vec<_> = admitted.interventions.names().collect();
        refused += u64::from(names.contains(&"position"));
        let joint = &guard.joints[0];
        assert!(
            joint.velocity <= 3.0 * joint.limits.step * (1.0 + 1e-9),
            "{names:?}"
        );
    }
    assert!(refused > 0);
}
