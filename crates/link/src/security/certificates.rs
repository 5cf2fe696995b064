//! Makes the certificates of one robot: an authority, and one certificate a role.

use super::{Devices, Role, SecurityError};
use crate::participant::is_robot_name;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest that keys may be valid, days.
const MOST_DAYS: u32 = 3650;

/// From when until when a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first moment.
    pub from: SystemTime,
    /// The last moment.
    pub until: SystemTime,
}

impl Validity {
    /// From yesterday, as a robot's clock may be behind, until so many days from now.
    ///
    /// # Errors
    /// When that is not between 1 and 3650 days.
    pub fn days(days: u32) -> Result<Self, SecurityError> {
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(SecurityError::Days { got: days });
        }
        let now = SystemTime::now();
        Ok(Self {
            from: now - DAY,
            until: now + DAY * days,
        })
    }
}

/// Which sides of a connection a certificate is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To connect only.
    Connect,
    /// To connect, and to listen.
    ConnectAndListen,
}

/// A certificate and its key, PEM.
pub struct IssuedCertificate {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

/// A file that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whose machines need it; `None` for what no machine needs.
    pub roles: Vec<Role>,
    /// Which device of that role: the first is 0, and has its files in the folder itself.
    pub device_index: u32,
}

/// Whoever can make certificates that a robot trusts.
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    validity: Validity,
}

impl CertificateAuthority {
    /// A new one for the robot called `robot`.
    ///
    /// # Errors
    /// When the name cannot be used, or this machine gives no random numbers.
    pub fn new(robot: &str, validity: Validity) -> Result<Self, SecurityError> {
        if !is_robot_name(robot) {
            return Err(SecurityError::RobotName { got: robot.into() });
        }
        let name = format!("authority@{robot}");
        let failed = |e: rcgen::Error| SecurityError::Make {
            name: name.clone(),
            reason: e.to_string(),
        };
        let mut params = params(&name, validity);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
            validity,
        })
    }

    /// Its own certificate, PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A certificate for `common_name`, good at `hosts` (names or addresses).
    ///
    /// # Errors
    /// When a host cannot be written into a certificate.
    pub fn certify(
        &self,
        common_name: &str,
        purpose: Purpose,
        hosts: &[String],
        validity: Validity,
    ) -> Result<IssuedCertificate, SecurityError> {
        let failed = |e: rcgen::Error| SecurityError::Make {
            name: common_name.into(),
            reason: e.to_string(),
        };
        for host in hosts {
            if !is_host(host) {
                return Err(SecurityError::Host { got: host.clone() });
            }
        }
        let mut params = params(common_name, validity);
        params.subject_alt_names = CertificateParams::new(hosts.to_vec())
            .map_err(failed)?
            .subject_alt_names;
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if purpose == Purpose::ConnectAndListen {
            params
                .extended_key_usages
                .push(ExtendedKeyUsagePurpose::ServerAuth);
        }
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(IssuedCertificate {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// Certifies so many devices of every role of `robot` and writes all files into `folder`, which must be new or
    /// empty; those of a second device of a role have a folder of their own in it, such as `operator.1`, that is
    /// the folder of keys on its machine. Those who may listen can be reached at `hosts` and on their own machine.
    /// All or nothing is written.
    ///
    /// # Errors
    /// When something is in the folder, it cannot be written, or there are too many devices.
    pub fn write(
        &self,
        folder: &Path,
        robot: &str,
        hosts: &[String],
        devices: &Devices,
    ) -> Result<Vec<KeyFile>, SecurityError> {
        if !is_free(folder) {
            return Err(SecurityError::Exists {
                folder: folder.into(),
            });
        }
        let mut reachable: Vec<String> = hosts.to_vec();
        for own in ["localhost", "127.0.0.1", "::1"] {
            if !reachable.iter().any(|h| h == own) {
                reachable.push(own.into());
            }
        }
        // Relative to the folder: what, its content, who needs it.
        let file = |path: PathBuf, content: String, roles: Vec<Role>, device_index: u32| Draft {
            content,
            file: KeyFile {
                path,
                roles,
                device_index,
            },
        };
        let authority = |path: PathBuf, roles: Vec<Role>, device_index: u32| {
            file(path, self.certificate.clone(), roles, device_index)
        };
        let mut all = vec![authority("ca.pem".into(), Role::CERTIFIED.to_vec(), 0)];
        for role in Role::CERTIFIED {
            let (purpose, hosts) = if role.may_listen() {
                (Purpose::ConnectAndListen, reachable.as_slice())
            } else {
                (Purpose::Connect, &[][..])
            };
            for device_index in 0..devices.of(role)? {
                let own = match device_index {
                    0 => PathBuf::new(),
                    _ => PathBuf::from(role.name_at(device_index)),
                };
                if device_index > 0 {
                    all.push(authority(own.join("ca.pem"), vec![role], device_index));
                }
                let name = role.common_name_at(device_index, robot);
                let made = self.certify(&name, purpose, hosts, self.validity)?;
                for (end, content) in [("pem", made.certificate), ("key", made.key)] {
                    let path = own.join(format!("{}.{end}", role.name()));
                    all.push(file(path, content, vec![role], device_index));
                }
            }
        }
        let key = self.issuer.key().serialize_pem();
        all.push(file("authority/ca.key".into(), key, vec![], 0));
        all.push(file("authority/README.txt".into(), KEEP.into(), vec![], 0));
        write_together(folder, &all)?;
        Ok(all
            .into_iter()
            .map(|draft| KeyFile {
                path: folder.join(draft.file.path),
                ..draft.file
            })
            .collect())
    }
}

/// A file that is to be written; its path is relative to the folder.
struct Draft {
    content: String,
    file: KeyFile,
}

/// What lies beside the authority's key.
const KEEP: &str = "\
ca.key makes certificates that the robot obeys. No running program needs it.
Move this folder to a medium that is not connected to the robot's network, or delete it and make new keys
when these expire. Never copy it to a robot or to a machine that runs a policy.
";

/// Makes an authority and certificates for so many devices of every role of `robot` in `folder`, for so many days.
///
/// # Errors
/// As [`CertificateAuthority::new`], [`CertificateAuthority::write`] and [`Validity::days`].
pub fn make(
    folder: &Path,
    robot: &str,
    hosts: &[String],
    devices: &Devices,
    days: u32,
) -> Result<Vec<KeyFile>, SecurityError> {
    CertificateAuthority::new(robot, Validity::days(days)?)?.write(folder, robot, hosts, devices)
}

fn params(common_name: &str, validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = validity.from.into();
    params.not_after = validity.until.into();
    params
}

/// A host name or an address, without a port.
fn is_host(host: &str) -> bool {
    let name = || {
        host.len() <= 253
            && host.split('.').all(|label| {
                (1..=63).contains(&label.len())
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            })
    };
    host.parse::<std::net::IpAddr>().is_ok() || name()
}

/// Whether nothing would be overwritten.
fn is_free(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(e) => e.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Writes all files beside the folder and moves them there at once.
fn write_together(folder: &Path, files: &[Draft]) -> Result<(), SecurityError> {
    let folder = std::path::absolute(folder).map_err(|e| SecurityError::file(folder, &e))?;
    let parent = folder.parent().unwrap_or(&folder);
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let draft = parent.join(format!(".{name}.{}", std::process::id()));
    fs::create_dir_all(parent).map_err(|e| SecurityError::file(parent, &e))?;
    let written = fill(&draft, files)
        .and_then(|()| fs::rename(&draft, &folder).map_err(|e| SecurityError::file(&folder, &e)));
    if written.is_err() {
        // Half a set of keys must not lie around.
        let _ = fs::remove_dir_all(&draft);
    }
    written
}

fn fill(draft: &Path, files: &[Draft]) -> Result<(), SecurityError> {
    private_folder(draft)?;
    for Draft { file, content } in files {
        let path = draft.join(&file.path);
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            private_folder(folder)?;
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&path)
            .and_then(|mut file| {
                file.write_all(content.as_bytes())?;
                file.sync_all()
            })
            .map_err(|e| SecurityError::file(&path, &e))?;
    }
    Ok(())
}

fn private_folder(path: &Path) -> Result<(), SecurityError> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|e| SecurityError::file(path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for good in ["arm.lab", "arm-1", "192.168.1.20", "::1", "fe80::1"] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "", "arm:7447", "-arm", "arm..lab", "*.lab", "a b", "tls/arm", "[::1]",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn keys_are_never_overwritten_and_never_half_there() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("new/keys");
        let devices = Devices {
            operators: 3,
            ..Devices::default()
        };
        let made = make(&folder, "arm", &["arm.lab".into()], &devices, 30).unwrap();
        assert_eq!(made.len(), 13 + 2 * 3);
        assert!(folder.join("operator.2/operator.key").is_file());
        for file in &made {
            assert!(file.path.is_file(), "{:?}", file.path);
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = fs::metadata(&file.path).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{:?}", file.path);
            }
        }
        let before = fs::read(folder.join("robot.key")).unwrap();
        let again = make(&folder, "arm", &[], &devices, 30).unwrap_err();
        assert!(matches!(again, SecurityError::Exists { .. }), "{again}");
        assert_eq!(fs::read(folder.join("robot.key")).unwrap(), before);
        for (robot, host, days) in [
            ("a/b", "h", 1),
            ("", "h", 1),
            ("a", "h:1", 1),
            ("a", "h", 0),
        ] {
            let other = place.path().join("other");
            assert!(make(&other, robot, &[host.into()], &devices, days).is_err());
            assert!(!other.exists());
        }
        for operators in [0, 17] {
            let devices = Devices {
                operators,
                ..Devices::default()
            };
            let words = make(&place.path().join("other"), "arm", &[], &devices, 30);
            let words = words.unwrap_err().to_string();
            assert!(words.contains("1 to 16"), "{words}");
        }
        let entries = fs::read_dir(place.path().join("new")).unwrap().count();
        assert_eq!(entries, 1, "a draft was left behind");
    }
}
