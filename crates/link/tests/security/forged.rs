//! Messages in somebody else's name, on a machine without keys.

use crate::intruders::WaitOk as _;
use crate::open::{OpenRobot, keys, put, token};
use crate::rig::{SILENCE, until};
use apprentice_core::JointCommand;
use apprentice_link::keys::ClientMessage;
use apprentice_link::wire::{self, AuthorityStatus};
use apprentice_link::{Arm as _, LinkError};
use apprentice_safety::{ControlAuthority, Denial, Phase, Service};
use std::thread::sleep;
use std::time::Duration;

#[test]
fn a_forged_hand_back_does_not_beat_a_pressed_deadman() {
    let robot = OpenRobot::start();
    let (_runtime, inbox) = robot.inbox();
    let mut device = robot.device();
    let stranger = robot.stranger();
    assert!(until(|| inbox.devices() == 1 && device.has_listener()));
    assert!(until(|| {
        device.send(true, false, &[]).unwrap();
        inbox.decide().0 == ControlAuthority::Human
    }));
    // In the person's name, with the last number there is: none of it counts, and the person is heard on.
    for (deadman, hand_back) in [(false, true), (false, false), (true, false), (true, true)] {
        put(&stranger, device.client(), u64::MAX, deadman, hand_back);
    }
    assert!(until(|| inbox.ignored().rejections.jump == 4));
    for wish in 0..20u8 {
        let wish = f32::from(wish);
        assert_eq!(inbox.decide().0, ControlAuthority::Human);
        assert!(until(|| {
            device.send(true, false, &[wish]).unwrap();
            inbox.decide().1 == [wish]
        }));
    }
    // With a number that can come next the arm stops, and is not the policy's.
    let mut number = 0;
    assert!(until(|| {
        number += 20;
        put(&stranger, device.client(), number, false, true);
        sleep(Duration::from_millis(10));
        inbox.decide().0 == ControlAuthority::Nobody
    }));
    // The person presses on: their numbers are old for a while, and yet nobody else gets the arm.
    for _ in 0..20 {
        put(&stranger, device.client(), number + 1, false, true);
        device.send(true, false, &[]).unwrap();
        sleep(Duration::from_millis(20));
        assert_ne!(inbox.decide().0, ControlAuthority::Policy);
    }
    assert!(until(|| {
        device.send(true, false, &[]).unwrap();
        inbox.decide().0 == ControlAuthority::Human
    }));
    device.send(false, true, &[]).unwrap();
    assert!(until(|| inbox.decide().0 == ControlAuthority::Nobody));
    sleep(SILENCE);
    assert_eq!(inbox.decide().0, ControlAuthority::Nobody);
    assert_eq!(inbox.device(), Some(device.client()));
}

#[test]
fn what_a_device_said_does_not_count_when_it_has_left_and_come_again() {
    let robot = OpenRobot::start();
    let (_runtime, inbox) = robot.inbox();
    let session = robot.stranger();
    let key = keys().of(ClientMessage::Takeover, 0xabc);
    let held = token(&session, &key);
    assert!(until(|| inbox.devices() == 1));
    put(&session, 0xabc, 1, true, false);
    put(&session, 0xabc, 2, false, false);
    put(&session, 0xabc, 3, false, true);
    assert!(until(|| inbox.messages() == 3));
    assert!(until(|| inbox.decide().0 == ControlAuthority::Policy));
    drop(held);
    assert!(until(|| inbox.devices() == 0));
    let _held = token(&session, &key);
    assert!(until(|| inbox.devices() == 1));
    for (sequence, deadman, hand_back) in [(1, true, false), (2, false, false), (3, false, true)] {
        put(&session, 0xabc, sequence, deadman, hand_back);
    }
    assert!(until(|| inbox.messages() == 6));
    assert_eq!(inbox.ignored().rejections.old, 3);
    assert_eq!(
        (inbox.decide().0, inbox.counts().0),
        (ControlAuthority::Policy, 1)
    );
    put(&session, 0xabc, 4, true, false);
    assert!(until(|| inbox.decide().0 == ControlAuthority::Human));
}

#[test]
fn a_number_in_a_message_is_that_of_its_key() {
    let robot = OpenRobot::start();
    let mut link = robot.link();
    link.engage().unwrap();
    let stranger = robot.stranger();
    let own = link.client();
    let command = JointCommand {
        sequence: 1,
        stamp_ns: 0,
        positions: link.description().home.clone(),
        gripper_width: 0.04,
    };
    let bytes = wire::encode_command(own, &command);
    let ends = [
        format!("{:08x}", own ^ 1),
        format!("{own:08X}").replace(|c: char| c.is_ascii_digit(), "A"),
        format!("{own:x}/x"),
        format!("+{own:x}"),
        "*".to_owned(),
        "00000000".to_owned(),
    ];
    let mut sent = 0;
    for path in ["command", "chunk"] {
        for end in &ends {
            let key = format!("apprentice/{}/{path}/{end}", crate::rig::ROBOT);
            if stranger.put(key.clone(), bytes.clone()).wait_ok_or_not() {
                // A key of two segments is not listened to at all.
                sent += u64::from(!end.contains('/'));
            }
        }
    }
    let malformed = || robot.status().denials.of(Denial::Malformed);
    assert!(until(|| malformed() == sent), "{} of {sent}", malformed());
    assert!(sent >= 8);
    assert_eq!(robot.status().accepted, 0);
    // Services likewise: nothing is granted under another's number.
    for (client, named) in [(own, own ^ 1), (own ^ 1, own)] {
        for service in Service::ALL {
            let reply = stranger
                .get(keys().of(ClientMessage::Service(service), named))
                .payload(wire::encode_request(wire::Request { client, stops: 0 }))
                .timeout(Duration::from_secs(2))
                .wait_ok()
                .recv()
                .unwrap();
            let refusal = reply.result().unwrap_err().payload().to_bytes().to_vec();
            let refusal = String::from_utf8(refusal).unwrap();
            assert!(refusal.contains("its key"), "{refusal}");
        }
    }
    assert_eq!(robot.status().owner, own);
    link.send(&command).unwrap();
    assert!(until(|| robot.status().accepted == 1));
}

#[test]
fn only_the_arms_owner_has_a_new_scene() {
    let robot = OpenRobot::start();
    let mut link = robot.link();
    link.engage().unwrap();
    let mut other = robot.link();
    let refused = other.reset(1).unwrap_err();
    let LinkError::Refused { reason, .. } = refused else {
        panic!("{refused}");
    };
    assert!(reason.starts_with("owned"), "{reason}");
    // Without asking to own it first.
    let stranger = robot.stranger();
    let reply = stranger
        .get(keys().of(ClientMessage::Reset, 7))
        .payload(wire::encode_reset(7, 1))
        .timeout(Duration::from_secs(2))
        .wait_ok()
        .recv()
        .unwrap();
    let refusal = reply.result().unwrap_err().payload().to_bytes().to_vec();
    let refusal = String::from_utf8(refusal).unwrap();
    assert!(refusal.starts_with("not_owner: "), "{refusal}");
    let server = robot.server.lock().unwrap();
    assert!(server.next_request(Duration::ZERO).is_none());
    drop(server);
    assert_eq!(robot.status().phase, Phase::Active);
}

#[test]
fn a_device_is_told_who_decides_and_no_longer_than_it_is_true() {
    let robot = OpenRobot::start();
    let (runtime, inbox) = robot.inbox();
    let mut first = robot.device();
    let mut second = robot.device();
    let says = |d: Option<AuthorityStatus>| d.map(|d| (d.authority, d.device));
    assert!(until(|| inbox.devices() == 2
        && first.has_listener()
        && second.has_listener()));
    assert!(until(
        || says(second.authority_status()) == Some((ControlAuthority::Policy, 0))
    ));
    assert!(until(|| {
        first.send(true, false, &[]).unwrap();
        says(second.authority_status()) == Some((ControlAuthority::Human, first.client()))
    }));
    // The second presses as well: it does not have the arm, and is told so.
    assert!(until(|| {
        second.send(true, false, &[]).unwrap();
        inbox.ignored().rejections.taken >= 10
    }));
    assert_eq!(
        says(second.authority_status()),
        Some((ControlAuthority::Human, first.client()))
    );
    // The first falls silent, and nothing else happens.
    let inbox = inbox.with_silence(Duration::from_millis(200));
    assert!(until(
        || says(first.authority_status()) == Some((ControlAuthority::Nobody, first.client()))
    ));
    // It is said again and again, also when nothing changes.
    let before = first.authority_status().unwrap().sequence;
    assert!(until(
        || first.authority_status().unwrap().sequence >= before + 3
    ));
    drop(inbox);
    drop(runtime);
    assert!(
        until(|| first.authority_status().is_none()),
        "it is still believed"
    );
}

/// Says whether zenoh took it.
trait WaitOrNot {
    fn wait_ok_or_not(self) -> bool;
}

impl<T, B: zenoh::Wait + zenoh::Resolvable<To = Result<T, zenoh::Error>>> WaitOrNot for B {
    fn wait_ok_or_not(self) -> bool {
        self.wait().is_ok()
    }
}
