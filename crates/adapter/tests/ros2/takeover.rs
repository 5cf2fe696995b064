//! People who take ROS 2 robots over.

use crate::stand_in::listener::free_endpoint;
use crate::stand_in::{Driver, Router, robot, until};
use crate::{GRIPPER, STATES, connect, driver, person, state_at};
use apprentice_adapter::cdr::{self, Float64MultiArray};
use apprentice_link::security::Security;
use apprentice_link::{Arm as _, OperatorAccess, OperatorLink};
use apprentice_robot::{Control, RobotDescription};
use std::sync::Arc;
use std::time::Duration;

fn joint_robot() -> RobotDescription {
    let adapter = format!(
        "kind = 'ros2'\n[command]\nkind = 'forward_command'\ntopic = '/fwd/commands'\n{GRIPPER}"
    );
    let mut robot = robot(&adapter);
    robot.control = Control::Joint;
    robot
}

#[test]
fn a_person_takes_the_arm_by_the_robots_own_router_and_hands_it_back() {
    let router = Arc::new(Router::open());
    let robot = joint_robot();
    let (kept, _subscriber) = router.keep("0/fwd/commands/*/*");
    let last = {
        let home = robot.home.clone();
        move || {
            let newest = kept.lock().unwrap().last().cloned();
            newest.map_or_else(
                || home.clone(),
                |(bytes, _)| {
                    let newest: Float64MultiArray = cdr::decode(&bytes).unwrap();
                    newest.data.0[..home.len()].to_vec()
                },
            )
        }
    };
    // An arm that is where it was told to be.
    let _driver = {
        let (router, robot, last) = (Arc::clone(&router), robot.clone(), last.clone());
        Driver::start(move || router.publish(STATES, &state_at(&robot, &last())))
    };
    let arm = connect(&robot, &router);
    let endpoint = router.endpoint.clone();
    person::takes_over(Box::new(arm), OperatorAccess::Shared, &endpoint, &|| {
        last()[0]
    });
}

#[test]
fn devices_find_one_robot_of_a_name_and_only_where_it_is_shown() {
    let router = Arc::new(Router::open());
    let robot = joint_robot();
    let _driver = driver(&router, STATES, &robot);
    let (first, second) = (connect(&robot, &router), connect(&robot, &router));
    let patience = Duration::from_secs(5);
    let by_router = || OperatorLink::connect(&router.endpoint, &robot.name, patience);
    let shown = first.takeover(OperatorAccess::Shared).unwrap();
    assert!(by_router().is_ok());
    // The router learns of the first a moment later than the first has shown itself.
    let mut refused = None;
    until("the second to be told that the name is taken", || {
        refused = second.takeover(OperatorAccess::Shared).err();
        refused.is_some()
    });
    let error = refused.unwrap();
    assert!(error.to_string().contains("another name"), "{error}");
    drop(shown);
    let security = Security::LoopbackOnly;
    let own = free_endpoint();
    let access = OperatorAccess::Own {
        endpoint: &own,
        security: &security,
    };
    let inbox = second.takeover(access).unwrap();
    let device = OperatorLink::connect(&own, &robot.name, patience).unwrap();
    until("the device", || {
        inbox.devices() == 1 && device.has_listener()
    });
    until("a state that is believed", || device.state().is_ok());
    assert_eq!(device.state().unwrap().positions, robot.home);
    // Nothing is shown to those who connect to the router any more.
    let error = OperatorLink::connect(&router.endpoint, &robot.name, Duration::from_millis(500));
    assert!(error.is_err());
    let away = OperatorAccess::Own {
        endpoint: "tcp/0.0.0.0:0",
        security: &security,
    };
    let error = first.takeover(away).err().unwrap();
    assert!(error.to_string().contains("leaves this machine"), "{error}");
}
