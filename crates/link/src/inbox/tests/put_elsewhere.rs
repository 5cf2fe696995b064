//! Arms that are somewhere else from one state to the next.

use crate::{Acceptance, Freshness, Inbox, RejectedCounts};
use apprentice_core::RobotState;
use apprentice_robot::RobotDescription;
use std::time::Duration;

#[test]
fn an_arm_that_is_put_elsewhere_is_a_fault_only_while_somebody_drives() {
    let robot = RobotDescription::embedded("franka_fr3").unwrap();
    let inbox = Inbox::new(&robot, "arm/state", str::to_owned);
    let mut sequence = 0;
    let mut put = |by: f64| {
        sequence += 1;
        let state = RobotState {
            sequence,
            stamp_ns: sequence * 20_000_000,
            positions: robot.home.iter().map(|q| q + by).collect(),
            velocities: vec![0.0; 7],
            gripper_width: 0.0,
            efforts: None,
            external_wrench: None,
        };
        let taken = inbox.put_state(0, Ok(state));
        std::thread::sleep(Duration::from_millis(20));
        taken
    };
    while put(0.3) != Acceptance::Accepted {}
    // Nobody drives: it was put at the start of the next scene, and is not believed there at once.
    assert_eq!(put(0.0), Acceptance::Rejected);
    assert!(inbox.newest_state().is_none());
    let second = Duration::from_millis(1);
    let within = Freshness {
        state: second,
        frame: second,
    };
    let error = inbox.latest(false, within).unwrap_err().to_string();
    assert!(error.contains("1 faster than the arm"), "{error}");
    while put(0.0) != Acceptance::Accepted {}
    // So it is while a scene is being set up, and with the last state from before it that came late.
    inbox.scene_setup(true);
    put(0.2);
    put(-0.2);
    inbox.scene_setup(false);
    put(-0.2);
    put(0.1);
    while put(0.1) != Acceptance::Accepted {}
    assert_eq!(inbox.rejected(), RejectedCounts::default());
    inbox.set_commanding(true);
    assert_eq!(put(0.4), Acceptance::Rejected);
    assert_eq!(inbox.rejected().sum(), 1);
}
