//! Whom we talk to: what is refused before anything is sent, and who answers at a robot's address.

use crate::rig::{Heard, ROBOT, RUNTIME, Rig, foreign, key, key_of, put_ten};
use apprentice_link::LinkError;
use apprentice_link::security::{
    CertificateAuthority, Purpose, Role, Security, SecurityError, Validity,
};
use apprentice_link::session::{Connection, Participant, free_port};
use std::thread::sleep;
use std::time::{Duration, Instant};
use zenoh::Wait as _;

fn open(
    role: Role,
    connection: Connection,
    endpoint: &str,
    security: &Security,
) -> Option<SecurityError> {
    let participant = Participant {
        role,
        connection,
        robot: ROBOT,
        endpoint,
    };
    match participant.open(security, Duration::from_millis(300)) {
        Ok(_) => None,
        Err(LinkError::Security(e)) => Some(e),
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn without_keys_nothing_leaves_this_machine() {
    let start = Instant::now();
    let here = Security::LoopbackOnly;
    for endpoint in [
        "tcp/192.0.2.1:7447",
        "tcp/0.0.0.0:0",
        "tcp/[::]:0",
        "tcp/localhost:7447",
    ] {
        for place in [Connection::Listen, Connection::Join] {
            let refused = open(Role::Runtime, place, endpoint, &here).unwrap();
            let words = refused.to_string();
            assert!(words.contains("apprentice keys"), "{words}");
            assert!(words.contains("security = \"off\""), "{words}");
        }
    }
    let ms = start.elapsed().as_millis();
    println!("8 of 8 endpoints beyond this machine refused, in {ms} ms");
    assert!(ms < 200, "something was tried first");
    // The word makes the difference, and loopback needs none.
    let anywhere = "tcp/0.0.0.0:0";
    assert_eq!(
        open(Role::Robot, Connection::Listen, anywhere, &Security::Off),
        None
    );
    let own = format!("tcp/127.0.0.1:{}", free_port().unwrap());
    assert_eq!(open(Role::Robot, Connection::Listen, &own, &here), None);
    for role in [Role::Viewer, Role::Operator] {
        let refused = open(role, Connection::Listen, &own, &here).unwrap();
        assert!(matches!(refused, SecurityError::MayNotListen { .. }));
    }
}

#[test]
fn keys_that_do_not_fit_are_refused_in_words() {
    let rig = Rig::new();
    let security = rig.security();
    let plain = rig.endpoint.replace("tls/", "tcp/");
    let undone = format!("{}#enable_mtls=false", rig.endpoint);
    for endpoint in [&plain, &undone] {
        assert!(open(Role::Robot, Connection::Listen, endpoint, &security).is_some());
    }
    let refused = |robot: &str, role: Role| {
        let participant = Participant {
            role,
            connection: Connection::Join,
            robot,
            endpoint: &rig.endpoint,
        };
        participant
            .open(&security, Duration::from_millis(300))
            .unwrap_err()
            .to_string()
    };
    let words = refused("other", Role::Runtime);
    assert!(words.contains("runtime@arm") && words.contains("runtime@other"));
    assert!(refused("a/**", Role::Runtime).contains("robot name"));
    std::fs::remove_file(rig.keys.join("viewer.key")).unwrap();
    assert!(refused(ROBOT, Role::Viewer).contains("viewer.key"));
    let missing = Security::Keys {
        folder: rig.keys.join("nothing"),
    };
    let words = open(Role::Robot, Connection::Listen, &rig.endpoint, &missing).unwrap();
    assert!(words.to_string().contains("ca.pem"), "{words}");
}

#[test]
fn who_only_pretends_to_be_the_robot_hears_nothing() {
    let month = Validity::days(30).unwrap();
    let hosts = ["127.0.0.1".to_owned()];
    let name = Role::Robot.common_name(ROBOT);
    let rig = Rig::new();
    let another = CertificateAuthority::new(ROBOT, month).unwrap();
    let stranger = another
        .certify(&name, Purpose::ConnectAndListen, &hosts, month)
        .unwrap();
    // A viewer's certificate is not good for listening, whatever host it names.
    let viewer = rig
        .authority
        .certify("viewer@arm", Purpose::Connect, &hosts, month)
        .unwrap();
    for (what, files) in [
        ("another authority", rig.store("stranger", &stranger)),
        ("a viewer", rig.store("listening", &viewer)),
    ] {
        let endpoint = format!("tls/127.0.0.1:{}", free_port().unwrap());
        let listening = foreign("router", &endpoint, true, Some(&files));
        let _trap = zenoh::open(listening).wait().unwrap();
        let runtime = Participant {
            role: Role::Runtime,
            connection: Connection::Join,
            robot: ROBOT,
            endpoint: &endpoint,
        };
        let found = runtime.open(&rig.security(), Duration::from_millis(1200));
        let words = found.expect_err(what).to_string();
        assert!(words.contains("the same folder"), "{words}");
    }

    // One whom the authority knows, but under a name that may not listen for this robot: connected, and told
    // nothing, because our own side lets nothing out to them.
    let other = rig
        .authority
        .certify("robot@other", Purpose::ConnectAndListen, &hosts, month)
        .unwrap();
    let files = rig.store("other", &other);
    let trap = zenoh::open(foreign("router", &rig.endpoint, true, Some(&files)))
        .wait()
        .unwrap();
    let overheard = Heard::on(&trap, "**");
    let runtime = rig.open(Role::Runtime, Connection::Join).unwrap();
    let state = Heard::on(&runtime, "state");
    for _ in 0..5 {
        put_ten(&runtime, &key_of("command", RUNTIME), "secret");
        put_ten(&trap, &key("state"), "forged");
        sleep(Duration::from_millis(100));
    }
    let (out, forged) = (overheard.all(), state.all());
    let told = out.iter().filter(|t| t.starts_with("secret")).count();
    println!(
        "an impostor hears {told} of 50 commands, {} of its 50 states are believed",
        forged.len()
    );
    assert_eq!((told, forged.len()), (0, 0));
}

#[test]
fn a_guest_uses_keys_of_others_and_their_key_space() {
    let rig = Rig::new();
    let listening = foreign("router", &rig.endpoint, true, Some(&rig.files(Role::Robot)));
    let theirs = zenoh::open(listening).wait().unwrap();
    let heard = Heard::on(&theirs, "of/others");
    let guest = Participant {
        role: Role::Guest,
        connection: Connection::Join,
        robot: "",
        endpoint: &rig.endpoint,
    };
    let patience = Duration::from_secs(5);
    let missing = guest.open(&rig.security(), patience).unwrap_err();
    assert!(missing.to_string().contains("keys/guest."), "{missing}");
    for end in ["pem", "key"] {
        let from = rig.keys.join(format!("runtime.{end}"));
        std::fs::copy(from, rig.keys.join(format!("guest.{end}"))).unwrap();
    }
    let session = guest.open(&rig.security(), patience).unwrap();
    put_ten(&session, &key("of/others"), "guest");
    assert_eq!(heard.wait_for("guest", 10), 10);
}
