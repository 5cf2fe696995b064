//! Operators' devices at the runtime of a robot that does not speak the native link: theirs alone may take over.

use crate::intruders::WaitOk as _;
use crate::rig::{PATIENCE, ROBOT, Rig, SILENCE, key_of, knock, until};
use apprentice_core::RobotState;
use apprentice_link::security::Role;
use apprentice_link::session::Connection;
use apprentice_link::wire::{Takeover, encode_takeover};
use apprentice_link::{Inbox, OperatorLink, TakeoverInbox};
use apprentice_robot::RobotDescription;
use apprentice_safety::{ControlAuthority, TeleopMessage};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

fn robot() -> RobotDescription {
    let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
    robot.name = ROBOT.into();
    robot
}

/// Where the robot is, as its adapter would say it.
fn state(robot: &RobotDescription, sequence: u64) -> RobotState {
    RobotState {
        sequence,
        stamp_ns: sequence,
        positions: robot.home.clone(),
        velocities: vec![0.0; robot.home.len()],
        gripper_width: 0.04,
        efforts: None,
        external_wrench: None,
    }
}

#[test]
fn only_an_operator_takes_over_from_a_runtime_that_listens() {
    let rig = Rig::new();
    let robot = robot();
    let runtime = rig.open(Role::Runtime, Connection::Listen).unwrap();
    let states = Arc::new(Inbox::new(&robot, "states", str::to_owned));
    let inbox = TakeoverInbox::in_place_of(&robot, &states, &runtime)
        .unwrap()
        .with_silence(Duration::from_secs(60));
    let mut operator =
        OperatorLink::connect_with(&rig.endpoint, ROBOT, &rig.security(), PATIENCE).unwrap();
    assert_eq!(*operator.description(), robot);
    assert!(until(|| inbox.devices() == 1 && operator.has_listener()));
    let mut sequence = 0;
    assert!(
        until(|| {
            sequence += 1;
            states.put_state(0, Ok(state(&robot, sequence)));
            operator.state().is_ok()
        }),
        "the operator does not see where the robot is"
    );

    // Everybody else, with keys of ours and by sessions of their own: a viewer, a robot, another runtime.
    let roles = [Role::Viewer, Role::Robot, Role::Runtime];
    let ours = roles.map(|role| rig.open(role, Connection::Join).unwrap());
    let theirs = roles.map(|role| knock("client", &rig.endpoint, Some(&rig.files(role))).unwrap());
    let mut tokens = Vec::new();
    for (client, session) in (7..).zip(ours.iter().chain(&theirs)) {
        let token = key_of("takeover", client);
        tokens.push(session.liveliness().declare_token(token).wait_ok());
        let known = operator.client();
        for client in [client, known] {
            let teleop = TeleopMessage {
                client,
                sequence: u64::MAX,
                deadman: true,
                hand_back: false,
            };
            let message = encode_takeover(&Takeover {
                teleop,
                stamp_ns: 0,
                action: vec![1.0],
            });
            for named in [client, known] {
                session
                    .put(key_of("takeover", named), message.clone())
                    .wait_ok();
            }
        }
    }
    sleep(SILENCE);
    println!(
        "{} strangers: {} devices, {} messages",
        tokens.len(),
        inbox.devices() - 1,
        inbox.messages()
    );
    assert_eq!((inbox.devices(), inbox.messages()), (1, 0));
    assert_eq!(inbox.decide().0, ControlAuthority::Policy);

    assert!(until(|| {
        operator.send(true, false, &[0.5]).unwrap();
        inbox.decide() == (ControlAuthority::Human, vec![0.5])
    }));
    assert!(until(|| operator.authority_status().is_some_and(|d| {
        (d.authority, d.device) == (ControlAuthority::Human, operator.client())
    })));
    operator.send(false, false, &[]).unwrap();
    assert!(until(|| inbox.decide().0 == ControlAuthority::Nobody));
    operator.send(false, true, &[]).unwrap();
    assert!(until(|| inbox.decide().0 == ControlAuthority::Policy));
    assert!(until(|| operator.authority_status().is_some_and(|d| {
        (d.authority, d.device) == (ControlAuthority::Policy, 0)
    })));
    // A device that goes lets go.
    assert!(until(|| {
        operator.send(true, false, &[]).unwrap();
        inbox.decide().0 == ControlAuthority::Human
    }));
    drop(operator);
    assert!(until(|| inbox.decide().0 == ControlAuthority::Nobody));
}
