//! Certificates whose name could be read in two ways.

use crate::intruders::WaitOk as _;
use crate::rig::{Files, Heard, PATIENCE, ROBOT, RUNTIME, Rig, SILENCE, key_of, knock, put_ten};
use apprentice_link::security::{IssuedCertificate, Role, Security, check};
use apprentice_link::session::{Connection, Participant};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair,
};
use std::thread::sleep;
use std::time::SystemTime;

/// A certificate of the robot's own authority with these common names, in this order.
fn named(rig: &Rig, names: &[&str]) -> IssuedCertificate {
    let mut authority = CertificateParams::default();
    authority.distinguished_name = DistinguishedName::new();
    let name = format!("authority@{ROBOT}");
    authority.distinguished_name.push(DnType::CommonName, name);
    let key = std::fs::read_to_string(rig.keys.join("authority/ca.key")).unwrap();
    let issuer = Issuer::new(authority, KeyPair::from_pem(&key).unwrap());
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    // The same attribute twice: the second time under its number.
    let kinds = [DnType::CommonName, DnType::CustomDnType(vec![2, 5, 4, 3])];
    for (kind, name) in kinds.into_iter().zip(names) {
        params.distinguished_name.push(kind, *name);
    }
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    IssuedCertificate {
        certificate: params.signed_by(&key, &issuer).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

/// A folder of keys with this certificate as that of the operator.
fn folder(rig: &Rig, name: &str, made: &IssuedCertificate) -> std::path::PathBuf {
    let folder = rig.folder.path().join(name);
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(rig.keys.join("ca.pem"), folder.join("ca.pem")).unwrap();
    std::fs::write(folder.join("operator.pem"), &made.certificate).unwrap();
    std::fs::write(folder.join("operator.key"), &made.key).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let own = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(folder.join("operator.key"), own).unwrap();
    }
    folder
}

#[test]
fn a_certificate_with_two_names_or_none_is_refused() {
    let rig = Rig::new();
    let _robot = rig.open(Role::Robot, Connection::Listen).unwrap();
    let open = |folder: &std::path::Path| {
        let participant = Participant {
            role: Role::Operator,
            connection: Connection::Join,
            robot: ROBOT,
            endpoint: &rig.endpoint,
        };
        let security = Security::Keys {
            folder: folder.to_owned(),
        };
        participant.open(&security, PATIENCE)
    };
    // Made in the same way, with one name: it is let in.
    let good = folder(&rig, "good", &named(&rig, &["operator@arm"]));
    open(&good).unwrap();
    for (n, names) in [
        &["operator@arm", "runtime@arm"][..],
        &["runtime@arm", "operator@arm"],
        &["operator@arm", "operator@arm"],
        &[],
    ]
    .into_iter()
    .enumerate()
    {
        let bad = folder(&rig, &format!("bad{n}"), &named(&rig, names));
        let words = open(&bad).err().unwrap().to_string();
        let wanted = format!("it has {} common names", names.len());
        assert!(words.contains(&wanted), "{words}");
        let found = check(&bad, SystemTime::now()).unwrap().problems.join("; ");
        assert!(found.contains(&wanted), "{found}");
    }
    // Two certificates in one file: which one is meant?
    let both = ["operator@arm", "operator.1@arm"].map(|name| named(&rig, &[name]).certificate);
    std::fs::write(good.join("operator.pem"), both.concat()).unwrap();
    let words = open(&good).err().unwrap().to_string();
    assert!(words.contains("2 certificates"), "{words}");
}

/// Whoever listens without asking us goes by the first name: a second one gives nothing.
#[test]
fn a_second_name_commands_nothing() {
    let rig = Rig::new();
    let robot = rig.open(Role::Robot, Connection::Listen).unwrap();
    let commands = Heard::on(&robot, "command/*");
    let put = |names: &[&str], what: &str| {
        let files: Files = rig.store(what, &named(&rig, names));
        let session = knock("client", &rig.endpoint, Some(&files)).unwrap();
        put_ten(&session, &key_of("command", RUNTIME), what);
        session.close().wait_ok();
    };
    put(&["viewer@arm", "runtime@arm"], "second");
    put(&["runtime@arm"], "only");
    assert_eq!(commands.wait_for("only", 10), 10);
    sleep(SILENCE);
    assert_eq!(commands.count("second"), 0);
}
