//! Publishers that are not who they should be, at a robot that listens itself.

use crate::rig::{
    Files, Heard, ROBOT, RUNTIME, Rig, SILENCE, foreign, key, key_of, knock, put_ten,
};
use apprentice_link::security::{CertificateAuthority, IssuedCertificate, Purpose, Role, Validity};
use apprentice_link::session::Connection;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

/// What the runtime's certificate looks like, signed by nobody.
fn self_signed() -> IssuedCertificate {
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, Role::Runtime.common_name(ROBOT));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    IssuedCertificate {
        certificate: params.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

#[test]
fn only_the_runtimes_certificate_commands() {
    let rig = Rig::new();
    let robot = rig.open(Role::Robot, Connection::Listen).unwrap();
    let commands = Heard::on(&robot, "command/*");
    let chunks = Heard::on(&robot, "chunk/*");
    let state = robot.declare_publisher(key("state")).wait_ok();

    // Right certificates of other roles, and of the same role at another robot: they connect (a viewer reads
    // the state), and none of what they send arrives, however they spell the key.
    let month = Validity::days(30).unwrap();
    let elsewhere = rig
        .authority
        .certify("runtime@other", Purpose::Connect, &[], month)
        .unwrap();
    let unknown = rig
        .authority
        .certify("rogue", Purpose::Connect, &[], month)
        .unwrap();
    let mut intruders = vec![
        ("runtime@other", rig.store("elsewhere", &elsewhere)),
        ("rogue", rig.store("unknown", &unknown)),
    ];
    for role in [Role::Robot, Role::Operator, Role::Viewer, Role::Router] {
        intruders.push((role.name(), rig.files(role)));
    }
    let mut tried = 0;
    for (name, files) in &intruders {
        for mode in ["client", "peer", "router"] {
            let session = knock(mode, &rig.endpoint, Some(files)).unwrap();
            for end in [
                key_of("command", RUNTIME),
                key_of("chunk", RUNTIME),
                key("*"),
                key("**"),
                key("command/*"),
                "apprentice/*/command/10000001".to_owned(),
                "**".to_owned(),
            ] {
                // Their own side takes it: nothing tells them that it goes nowhere.
                tried += put_ten(&session, &end, name);
            }
            session.delete(key_of("command", RUNTIME)).wait_ok();
            let sees = Heard::on(&session, "state");
            // The robot's own: its cameras' frames may come from a program beside its driver.
            let reads = matches!(*name, "viewer" | "operator" | "robot");
            for n in 0..40 {
                if sees.count("q") > 0 {
                    break;
                }
                state.put(format!("q {n}")).wait_ok();
                sleep(Duration::from_millis(if reads { 50 } else { 5 }));
            }
            assert_eq!(sees.count("q") > 0, reads, "{name} as {mode} reads state");
        }
    }
    sleep(SILENCE);
    let arrived = commands.all().len() + chunks.all().len();
    println!("other roles and robots: {arrived} of {tried} delivered");
    assert!(tried >= 18 * 70);
    assert_eq!(arrived, 0, "{:?}", commands.all());

    // The runtime itself, with our session and with one of its own making.
    let ours = rig.open(Role::Runtime, Connection::Join).unwrap();
    put_ten(&ours, &key_of("command", RUNTIME), "ours");
    let theirs = knock("client", &rig.endpoint, Some(&rig.files(Role::Runtime))).unwrap();
    put_ten(&theirs, &key_of("command", RUNTIME), "theirs");
    let (ours, theirs) = (
        commands.wait_for("ours", 10),
        commands.wait_for("theirs", 10),
    );
    println!("right certificate: {ours} of 10 delivered, {theirs} of 10 by a session not ours");
    assert_eq!((ours, theirs), (10, 10));
    assert_eq!(commands.all().len(), 20);
}

#[test]
fn who_cannot_prove_who_they_are_is_not_let_in() {
    let rig = Rig::new();
    let robot = rig.open(Role::Robot, Connection::Listen).unwrap();
    let commands = Heard::on(&robot, "command/*");
    let month = Validity::days(30).unwrap();
    let name = Role::Runtime.common_name(ROBOT);
    let another = CertificateAuthority::new(ROBOT, month).unwrap();
    let of_another = another
        .certify(&name, Purpose::ConnectAndListen, &[], month)
        .unwrap();
    let now = SystemTime::now();
    let day = Duration::from_secs(24 * 60 * 60);
    let over = Validity {
        from: now - day * 3,
        until: now - day,
    };
    let expired = rig
        .authority
        .certify(&name, Purpose::Connect, &[], over)
        .unwrap();
    let ahead = Validity {
        from: now + day,
        until: now + day * 3,
    };
    let early = rig
        .authority
        .certify(&name, Purpose::Connect, &[], ahead)
        .unwrap();
    let nobody = Files {
        authority: rig.keys.join("ca.pem"),
        own: None,
    };
    let plain = rig.endpoint.replace("tls/", "tcp/");
    let cases = [
        ("self-signed, right name", rig.store("self", &self_signed())),
        ("another authority", rig.store("another", &of_another)),
        ("expired", rig.store("expired", &expired)),
        ("not valid yet", rig.store("early", &early)),
        ("no certificate", nobody),
    ];
    let mut refused = 0;
    let mut try_one = |what: &str, endpoint: &str, files: Option<&Files>| {
        for mode in ["client", "peer"] {
            match knock(mode, endpoint, files) {
                Err(_) => refused += 1,
                Ok(session) => {
                    put_ten(&session, &key_of("command", RUNTIME), "x");
                    panic!("{what} as {mode} was let in");
                }
            }
        }
    };
    for (what, files) in &cases {
        try_one(what, &rig.endpoint, Some(files));
    }
    try_one("plain tcp", &plain, None);
    println!("without proof: {refused} of 12 refused");
    assert_eq!(refused, 12);
    assert!(commands.all().is_empty());

    // The robot still serves who may.
    let runtime = rig.open(Role::Runtime, Connection::Join).unwrap();
    put_ten(&runtime, &key_of("command", RUNTIME), "ours");
    assert_eq!(commands.wait_for("ours", 10), 10);
}

/// The other way round: what keeps a right certificate of the wrong role out is our access control, not the
/// intruder. A listener with the same certificates and without it obeys anybody whom the authority knows.
#[test]
fn certificates_alone_would_not_do() {
    let rig = Rig::new();
    let listening = foreign("router", &rig.endpoint, true, Some(&rig.files(Role::Robot)));
    let robot = zenoh::open(listening).wait_ok();
    let commands = Heard::on(&robot, "command/*");
    let viewer = knock("client", &rig.endpoint, Some(&rig.files(Role::Viewer))).unwrap();
    put_ten(&viewer, &key_of("command", RUNTIME), "viewer");
    let arrived = commands.wait_for("viewer", 10);
    println!("without access control a viewer's certificate delivers {arrived} of 10");
    assert_eq!(arrived, 10);
}

/// Waits and takes what must be there.
pub trait WaitOk {
    type Output;
    fn wait_ok(self) -> Self::Output;
}

impl<T, B: zenoh::Wait + zenoh::Resolvable<To = Result<T, zenoh::Error>>> WaitOk for B {
    type Output = T;
    fn wait_ok(self) -> T {
        self.wait().unwrap()
    }
}
