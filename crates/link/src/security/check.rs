//! Says whether keys fit together and how long they last.

use super::parse::{self, Read};
use super::{Credentials, Role, SecurityError};
use rcgen::{KeyPair, PublicKeyData as _};
use rustls_pki_types::UnixTime;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// Keys in a folder, and all that is wrong with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCheck {
    /// One for each certificate that is there; a machine need not have them all.
    pub certificates: Vec<CheckedCertificate>,
    /// What is wrong, in words; nothing when all fits.
    pub problems: Vec<String>,
}

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedCertificate {
    /// Its file.
    pub path: PathBuf,
    /// Whose it is, such as `runtime@panda`.
    pub common_name: String,
    /// The last day on which it is good, such as `2027-03-01`, UTC.
    pub last_day: String,
    /// Whole days left; negative when it has expired.
    pub days_left: i64,
    /// Where its holder can be reached; none for those who only connect.
    pub hosts: Vec<String>,
    /// What is wrong with it, in words.
    pub problems: Vec<String>,
}

/// Checks every role's files in `folder` at the time `now`.
///
/// # Errors
/// When there is no authority's certificate or none of any role, or a file cannot be read.
pub fn check(folder: &Path, now: SystemTime) -> Result<KeyCheck, SecurityError> {
    let authority = folder.join("ca.pem");
    let read = parse::certificate(&authority)?;
    let robot = read
        .common_name
        .strip_prefix("authority@")
        .map(str::to_owned);
    let mut found = KeyCheck {
        certificates: vec![judge_dates(&authority, &read, now)],
        problems: Vec::new(),
    };
    for role in Role::CERTIFIED {
        // The first device's files, or those of the one whose folder this is; then the folders of others.
        let mut places = vec![(folder.to_owned(), None)];
        places.extend((1..role.max_devices()).map(|n| (folder.join(role.name_at(n)), Some(n))));
        for (place, number) in places {
            let files = Credentials {
                authority: authority.clone(),
                certificate: place.join(format!("{}.pem", role.name())),
                key: place.join(format!("{}.key", role.name())),
                device_index: 0,
            };
            let there = (files.certificate.exists(), files.key.exists());
            if there == (false, false) {
                continue;
            }
            let expected = robot.as_deref().map(|robot| (role, robot, number));
            found.certificates.push(one(&files, expected, now)?);
        }
    }
    if found.certificates.len() == 1 {
        return Err(SecurityError::file(
            folder,
            &"there is no certificate of any role in it, such as runtime.pem",
        ));
    }
    for certificate in &found.certificates {
        let path = certificate.path.display();
        let problems = certificate.problems.iter();
        found
            .problems
            .extend(problems.map(|p| format!("{path}: {p}")));
    }
    let key = folder.join("authority/ca.key");
    if key.exists() {
        match KeyPair::from_pem(&parse::text(&key)?) {
            Ok(pair) if pair.subject_public_key_info() == read.public_key => {}
            _ => found
                .problems
                .push(format!("{}: it is not the key of ca.pem", key.display())),
        }
        found.problems.extend(readable_by_others(&key));
    }
    Ok(found)
}

/// Checks one participant's files; its certificate should be in the name of this role, robot and, if it is said
/// which, device.
pub(super) fn one(
    files: &Credentials,
    expected: Option<(Role, &str, Option<u32>)>,
    now: SystemTime,
) -> Result<CheckedCertificate, SecurityError> {
    let authority = parse::certificate(&files.authority)?;
    let read = parse::certificate(&files.certificate)?;
    let key = parse::text(&files.key)?;
    let mut checked = judge_dates(&files.certificate, &read, now);
    checked.problems.extend(read.ambiguous.clone());
    if let Some((role, robot, device_index)) = expected {
        let found = role.device_index_of(&read.common_name, robot);
        let right = found
            .is_some_and(|found| device_index.is_none_or(|device_index| device_index == found));
        if !right && read.ambiguous.is_none() {
            checked.problems.push(format!(
                "it is in the name {:?}, wanted: {:?}{}; keys are for one robot",
                read.common_name,
                role.common_name_at(device_index.unwrap_or(0), robot),
                match device_index {
                    None if role.max_devices() > 1 => format!(
                        " to {:?}",
                        role.common_name_at(role.max_devices() - 1, robot)
                    ),
                    _ => String::new(),
                }
            ));
        }
    }
    match KeyPair::from_pem(&key) {
        Ok(pair) if pair.subject_public_key_info() == read.public_key => {}
        Ok(_) => checked
            .problems
            .push(format!("{} is not its key", files.key.display())),
        Err(e) => checked
            .problems
            .push(format!("{} is no key: {e}", files.key.display())),
    }
    checked.problems.extend(readable_by_others(&files.key));
    // Of an expired certificate we have said so already, in better words.
    if checked.problems.is_empty() {
        let server = Role::CERTIFIED
            .into_iter()
            .filter(|r| r.may_listen())
            .any(|r| {
                let name = read.common_name.split(['@', '.']).next();
                name == Some(r.name())
            });
        let usages = [
            Some(KeyUsage::client_auth()),
            server.then(KeyUsage::server_auth),
        ];
        for usage in usages.into_iter().flatten() {
            if let Err(e) = verify(&authority, &read, usage, now) {
                checked.problems.push(format!(
                    "{} does not vouch for it: {e}",
                    files.authority.display()
                ));
            }
        }
    }
    Ok(checked)
}

/// Checks files that another authority than ours made, in ways of its own: only what is wrong for certain.
pub(super) fn of_others(
    files: &Credentials,
    now: SystemTime,
) -> Result<CheckedCertificate, SecurityError> {
    parse::certificate(&files.authority)?;
    parse::text(&files.key)?;
    let read = parse::certificate(&files.certificate)?;
    let mut checked = judge_dates(&files.certificate, &read, now);
    checked.problems.extend(readable_by_others(&files.key));
    Ok(checked)
}

/// What the other side of a connection will look at.
fn verify(
    authority: &Read,
    read: &Read,
    usage: KeyUsage,
    now: SystemTime,
) -> Result<(), webpki::Error> {
    let anchor = anchor_from_trusted_cert(&authority.der)?;
    let since = now.duration_since(SystemTime::UNIX_EPOCH);
    EndEntityCert::try_from(&read.der)?.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &[anchor],
        &[],
        UnixTime::since_unix_epoch(since.unwrap_or(Duration::ZERO)),
        usage,
        None,
        None,
    )?;
    Ok(())
}

fn judge_dates(path: &Path, read: &Read, now: SystemTime) -> CheckedCertificate {
    let now = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |d| d.as_secs() as i64);
    let mut problems = Vec::new();
    if now > read.until {
        problems.push(format!("it expired on {}", read.last_day));
    }
    if now < read.from {
        problems.push("it is not valid yet; is this machine's clock right?".to_owned());
    }
    CheckedCertificate {
        path: path.into(),
        common_name: read.common_name.clone(),
        last_day: read.last_day.clone(),
        days_left: (read.until - now).div_euclid(24 * 60 * 60),
        hosts: read.hosts.clone(),
        problems,
    }
}

/// A private key is for its owner's eyes.
#[cfg(unix)]
fn readable_by_others(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        format!(
            "others on this machine can read {} (mode {mode:o}); chmod 600 it",
            path.display()
        )
    })
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::super::{CertificateAuthority, Devices, Purpose, Validity, make};
    use super::*;
    use std::fs;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let keys = place.path().join("keys");
        let devices = Devices {
            operators: 2,
            ..Devices::default()
        };
        let hosts = ["arm.lab".into(), "10.0.0.7".into()];
        make(&keys, "arm", &hosts, &devices, 30).unwrap();
        (place, keys)
    }

    fn problems(keys: &Path) -> String {
        check(keys, SystemTime::now()).unwrap().problems.join("; ")
    }

    #[test]
    fn new_keys_fit_together() {
        let (_place, keys) = folder();
        let found = check(&keys, SystemTime::now()).unwrap();
        assert_eq!(found.problems, Vec::<String>::new());
        assert_eq!(found.certificates.len(), 7);
        let named = |c: &CheckedCertificate| c.common_name == "operator.1@arm";
        assert!(found.certificates.iter().any(named));
        // On the second device's machine its folder is all there is.
        let own = check(&keys.join("operator.1"), SystemTime::now()).unwrap();
        assert_eq!((own.certificates.len(), own.problems), (2, vec![]));
        let robot = &found.certificates[1];
        assert_eq!(robot.common_name, "robot@arm");
        // Thirty, until the first second is over.
        assert!((29..=30).contains(&robot.days_left), "{}", robot.days_left);
        let hosts = ["arm.lab", "10.0.0.7", "localhost", "127.0.0.1", "::1"];
        assert_eq!(robot.hosts, hosts);
        assert!(found.certificates.iter().any(|c| c.hosts.is_empty()));
        let later = SystemTime::now() + Duration::from_secs(31 * 24 * 60 * 60);
        let late = check(&keys, later).unwrap();
        assert_eq!(late.problems.len(), 7);
        assert!(late.problems[0].contains("expired"), "{}", late.problems[0]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let (_place, keys) = folder();
        fs::remove_file(keys.join("viewer.pem")).unwrap();
        assert!(check(&keys, SystemTime::now()).is_err());
        fs::remove_file(keys.join("viewer.key")).unwrap();
        assert_eq!(problems(&keys), "");
        // Another's key.
        fs::copy(keys.join("robot.key"), keys.join("router.key")).unwrap();
        assert!(problems(&keys).contains("router.key is not its key"));
        fs::remove_file(keys.join("router.key")).unwrap();
        fs::remove_file(keys.join("router.pem")).unwrap();
        // Another's certificate.
        for end in ["pem", "key"] {
            let from = keys.join(format!("robot.{end}"));
            fs::copy(from, keys.join(format!("operator.{end}"))).unwrap();
        }
        assert!(problems(&keys).contains("wanted: \"operator@arm\""));
        // The right name, from an authority of somebody else.
        let month = Validity::days(30).unwrap();
        let other = CertificateAuthority::new("arm", month).unwrap();
        let rogue = other
            .certify("operator@arm", Purpose::Connect, &[], month)
            .unwrap();
        fs::write(keys.join("operator.pem"), rogue.certificate).unwrap();
        fs::write(keys.join("operator.key"), rogue.key).unwrap();
        assert!(problems(&keys).contains("does not vouch for it"));
        fs::write(keys.join("operator.pem"), "nothing").unwrap();
        assert!(check(&keys, SystemTime::now()).is_err());
        fs::remove_file(keys.join("ca.pem")).unwrap();
        assert!(check(&keys, SystemTime::now()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_a_problem() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_place, keys) = folder();
        let open = fs::Permissions::from_mode(0o644);
        fs::set_permissions(keys.join("runtime.key"), open).unwrap();
        assert!(problems(&keys).contains("chmod 600"));
    }
}
