//! Tokens of strangers: other spellings of a number that is somebody's, and more than can be known.

use crate::intruders::WaitOk as _;
use crate::open::{OpenRobot, crowd, keys, put, settled, token};
use crate::rig::{ROBOT, Rig, SILENCE, knock, until};
use apprentice_link::keys::ClientMessage;
use apprentice_link::security::{Role, Security};
use apprentice_link::wire::{Request, encode_request};
use apprentice_link::{Arm as _, Inbox, OperatorLink, TakeoverInbox};
use apprentice_robot::RobotDescription;
use apprentice_safety::{ControlAuthority, Denial, Phase, Service};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

/// How many strangers: as many as can be known at once, and far more. (zenoh itself takes ever longer for each
/// token, so that ten thousand of them are a matter of the set's own tests.)
const MANY: [u32; 3] = [16, 64, 600];

/// Other spellings of `client`, that a parser of numbers would take for it.
fn aliases(client: u32) -> Vec<String> {
    vec![
        format!("{client:x}"),
        format!("+{client:x}"),
        format!("+{client:07x}"),
        format!("{client:09x}"),
        format!("{client:08X}"),
        format!("{client:X}"),
        format!("0x{client:x}"),
    ]
}

#[test]
fn a_number_spelt_otherwise_is_nobodys() {
    let robot = OpenRobot::start();
    let (_runtime, inbox) = robot.inbox();
    let device = robot.stranger();
    let client = 0xabc;
    let _held = token(&device, &keys().of(ClientMessage::Takeover, client));
    let mut link = robot.link();
    link.engage().unwrap();
    assert!(until(|| inbox.devices() == 1));
    put(&device, client, 1, true, false);
    assert!(until(|| inbox.decide().0 == ControlAuthority::Human));
    let stranger = robot.stranger();
    let mut sent = 0;
    for (path, number) in [("takeover", client), ("lease", link.client())] {
        for alias in aliases(number) {
            if alias == format!("{number:08x}") {
                continue;
            }
            // They come up and go.
            drop(token(
                &stranger,
                &format!("apprentice/{ROBOT}/{path}/{alias}"),
            ));
            sent += u64::from(path == "takeover");
        }
    }
    assert!(
        until(|| inbox.ignored().malformed == 2 * sent),
        "{:?}",
        inbox.ignored()
    );
    assert!(until(
        || robot.status().denials.of(Denial::Malformed) >= 2 * 5
    ));
    sleep(SILENCE);
    assert_eq!(
        (inbox.decide().0, inbox.devices()),
        (ControlAuthority::Human, 1)
    );
    let status = robot.status();
    assert_eq!(status.owner, link.client(), "the owner was ejected");
    assert!(status.phase != Phase::Free);
}

/// The very same token, held by somebody else for a moment: it is there as long as one of the two is.
#[test]
fn a_token_held_twice_is_there_until_both_are_gone() {
    let robot = OpenRobot::start();
    let (_runtime, inbox) = robot.inbox();
    let mut device = robot.device();
    let mut link = robot.link();
    link.engage().unwrap();
    assert!(until(|| {
        device.send(true, false, &[]).unwrap();
        inbox.decide().0 == ControlAuthority::Human
    }));
    let stranger = robot.stranger();
    for _ in 0..3 {
        drop(token(
            &stranger,
            &keys().of(ClientMessage::Takeover, device.client()),
        ));
        drop(token(
            &stranger,
            &keys().of(ClientMessage::Lease, link.client()),
        ));
        sleep(Duration::from_millis(50));
    }
    drop(stranger);
    sleep(SILENCE);
    assert_eq!(
        (inbox.decide().0, inbox.devices()),
        (ControlAuthority::Human, 1)
    );
    assert_eq!(robot.status().owner, link.client());
    drop(device);
    drop(link);
    assert!(until(|| inbox.devices() == 0 && robot.status().owner == 0));
}

#[test]
fn strangers_tokens_lock_no_person_out() {
    for count in MANY {
        let robot = OpenRobot::start();
        let (_runtime, inbox) = robot.inbox();
        let stranger = robot.stranger();
        // Before the person comes, and gone again.
        let tokens = crowd(&stranger, ClientMessage::Takeover, count);
        settled(|| inbox.devices() as u64);
        drop(tokens);
        settled(|| inbox.devices() as u64);
        // Before the person comes, and still there; then as many more after.
        let _before = crowd(&stranger, ClientMessage::Takeover, count);
        let mut device = robot.device();
        let other = robot.stranger();
        let _after = crowd(&other, ClientMessage::Takeover, count + 1);
        settled(|| inbox.devices() as u64);
        assert!(
            until(|| {
                device.send(true, false, &[]).unwrap();
                sleep(Duration::from_millis(5));
                inbox.decide().0 == ControlAuthority::Human
                    && inbox.device() == Some(device.client())
            }),
            "{count} strangers: {:?}",
            inbox.ignored()
        );
        assert!(inbox.devices() <= 16);
    }
}

#[test]
fn strangers_tokens_lock_no_client_out() {
    for count in MANY {
        let robot = OpenRobot::start();
        let stranger = robot.stranger();
        let tokens = crowd(&stranger, ClientMessage::Lease, count);
        let mut link = robot.link();
        link.engage().unwrap();
        // The owner stays it, whatever comes after.
        let other = robot.stranger();
        let _more = crowd(&other, ClientMessage::Lease, count + 1);
        sleep(SILENCE);
        assert_eq!(robot.status().owner, link.client(), "{count} strangers");
        drop(tokens);
        sleep(SILENCE);
        assert_eq!(robot.status().owner, link.client());
        link.disengage().unwrap();
        // A lease that is forgotten before its client asks for the arm.
        let late = robot.stranger();
        let client = 0x1234_5678;
        let _lease = token(&late, &keys().of(ClientMessage::Lease, client));
        let _yet_more = crowd(&late, ClientMessage::Lease, count + 1);
        sleep(SILENCE);
        assert!(
            until(|| {
                let asked = late
                    .get(keys().of(ClientMessage::Service(Service::Acquire), client))
                    .payload(encode_request(Request { client, stops: 0 }))
                    .timeout(Duration::from_secs(2))
                    .wait_ok();
                asked.recv().unwrap().result().is_ok()
            }),
            "{count} strangers"
        );
        assert_eq!(robot.status().owner, client);
        drop(late);
        assert!(until(|| robot.status().owner == 0), "its lease is gone");
    }
}

#[test]
fn with_keys_no_operator_locks_another_out() {
    let rig = Rig::new();
    let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
    robot.name = ROBOT.into();
    let runtime = rig
        .open(Role::Runtime, apprentice_link::session::Connection::Listen)
        .unwrap();
    let states = Arc::new(Inbox::new(&robot, "states", str::to_owned));
    let inbox = TakeoverInbox::in_place_of(&robot, &states, &runtime)
        .unwrap()
        .with_silence(Duration::from_secs(60));
    let connect = |security: Security| {
        OperatorLink::connect_with(&rig.endpoint, ROBOT, &security, crate::rig::PATIENCE).unwrap()
    };
    let mut person = connect(rig.security());
    let second = connect(rig.second(Role::Operator));
    assert_eq!(person.client() >> 20, 0x200);
    assert_eq!(second.client() >> 20, 0x201);
    assert!(until(|| inbox.devices() == 2));
    // The second operator's certificate holds and says all it can, also in the first one's name.
    let folder = rig.keys.join("operator.1");
    let files = crate::rig::Files {
        authority: rig.keys.join("ca.pem"),
        own: Some((folder.join("operator.pem"), folder.join("operator.key"))),
    };
    let raw = knock("client", &rig.endpoint, Some(&files)).unwrap();
    let mut tokens = Vec::new();
    for n in 0..200 {
        let client = 0x2010_0000 + n;
        tokens.push(token(&raw, &keys().of(ClientMessage::Takeover, client)));
        put(&raw, client, 1, false, false);
        tokens.push(token(
            &raw,
            &keys().of(ClientMessage::Takeover, 0x2000_0000 + n),
        ));
    }
    let before = settled(|| inbox.messages());
    let strange = inbox.ignored().no_token;
    put(&raw, person.client(), 1, true, false);
    put(&raw, person.client(), u64::MAX, true, false);
    sleep(SILENCE);
    assert_eq!(inbox.messages(), before, "another's number was delivered");
    assert_eq!(inbox.decide().0, ControlAuthority::Policy);
    assert!(until(|| {
        person.send(true, false, &[]).unwrap();
        inbox.device() == Some(person.client())
    }));
    assert_eq!(
        inbox.ignored().no_token,
        strange,
        "the person was forgotten"
    );
}
