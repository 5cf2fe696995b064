//! Errors speak of ROS 2 and of its settings, and say nothing twice.

use crate::stand_in::{Router, robot};
use crate::{STATES, connect};
use apprentice_adapter::ros2::Ros2Arm;
use apprentice_link::security::Security;
use apprentice_link::{Arm as _, Freshness};
use std::time::Duration;

const ADAPTER: &str = "kind = 'ros2'\n[command]\nkind = 'forward_command'\ntopic = '/fwd/commands'";

/// Says each of `once` exactly once, names a setting of `[adapter]`, and nothing of the native link.
fn check(words: &str, once: &[&str]) {
    for part in once {
        assert_eq!(words.matches(part).count(), 1, "{part:?} in: {words}");
    }
    assert!(
        !["PROTOCOL", "apprentice sim", ".rs:"]
            .iter()
            .any(|no| words.contains(no)),
        "{words}"
    );
}

#[test]
fn errors_speak_of_the_topic_and_its_settings_once() {
    let mut robot = robot(ADAPTER);
    robot.gripper = None;
    let table = robot.adapter.clone().unwrap();
    // Nothing listens there.
    let error = Ros2Arm::connect(
        robot.clone(),
        &table,
        "tcp/127.0.0.1:1",
        &Security::LoopbackOnly,
        Duration::from_millis(300),
    );
    let error = error.err().unwrap().to_string();
    check(&error, &["rmw_zenohd", "[adapter]", "no zenoh session at"]);

    // Nobody publishes.
    let router = Router::open();
    let mut arm = connect(&robot, &router);
    let error = arm.engage().unwrap_err().to_string();
    check(
        &error,
        &["joint_states/", &robot.name, "ROS_DOMAIN_ID", "1000 ms"],
    );

    // Another type of message on the topic.
    let within = Duration::from_millis(200);
    let fresh = Freshness {
        state: within,
        frame: within,
    };
    router.publish(STATES, &7u8);
    std::thread::sleep(Duration::from_millis(50));
    let error = arm.latest(false, fresh).unwrap_err().to_string();
    check(&error, &["joint_states/", "JointState:"]);
}
