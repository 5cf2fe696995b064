//! Who may talk to a robot, and how they prove who they are.
//!
//! Without keys only this machine is spoken to. With keys (made by [`CertificateAuthority`], one folder a robot) both
//! sides of every connection show a certificate of the same authority, and the side that listens lets each
//! role do only what `access` allows it, whether that side is the robot, our runtime or a router.
//!
//! Zenoh also trusts the public authorities of the web when it connects. That is why who connects controls
//! access too: somebody with one of their certificates would be connected to, and told nothing.
//!
//! What a client sends goes on keys that end in its number, and the rules let each certificate use its own
//! numbers only (`identity`).
//!
//! What this does not do: it cannot tell two machines with the same certificate apart, and it does not stop a
//! rightful sender from repeating an old message. Sequence numbers and the lease are there for that. A router
//! passes on what others send, whatever number it bears: its certificate is worth full ownership of a robot that
//! joins it.

pub(crate) mod access;
mod certificates;
mod check;
mod credentials;
mod endpoint;
mod error;
mod identity;
mod parse;
pub(crate) mod role;

pub use certificates::{CertificateAuthority, IssuedCertificate, KeyFile, Purpose, Validity, make};
pub use check::{CheckedCertificate, KeyCheck, check};
pub(crate) use credentials::Credentials;
pub use error::SecurityError;
pub use identity::Devices;
pub(crate) use identity::SESSION_BITS;
pub use role::Role;

use crate::participant::{Connection, Participant};
use std::path::{Path, PathBuf};

/// How a session is kept to those who may use it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// Anybody on the network may do anything. Only the word `off` in the configuration gives this.
    Off,
    /// Only processes of this machine: an endpoint that leaves it is refused.
    #[default]
    LoopbackOnly,
    /// Mutual TLS and access control with the files in this folder: `ca.pem` and, for a role called
    /// `runtime`, `runtime.pem` and `runtime.key`.
    Keys {
        /// The folder.
        folder: PathBuf,
    },
}

impl Security {
    /// From two settings: `security`, empty or `off`, and `keys`, empty or a folder.
    ///
    /// # Errors
    /// When the word is unknown, or both are given.
    pub fn from_settings(word: &str, keys: &str) -> Result<Self, SecurityError> {
        match (word, keys) {
            ("", "") => Ok(Self::LoopbackOnly),
            ("off", "") => Ok(Self::Off),
            ("", folder) => Ok(Self::Keys {
                folder: folder.into(),
            }),
            ("off", folder) => Err(SecurityError::OffWithKeys {
                folder: folder.into(),
            }),
            (word, _) => Err(SecurityError::Word { got: word.into() }),
        }
    }

    /// Whether `participant` may use its endpoint, before anything is opened; with keys, its files.
    pub(crate) fn admit(
        &self,
        participant: &Participant<'_>,
    ) -> Result<Option<Credentials>, SecurityError> {
        if participant.connection == Connection::Listen && !participant.role.may_listen() {
            return Err(SecurityError::MayNotListen {
                role: participant.role.name().into(),
                endpoint: participant.endpoint.into(),
            });
        }
        match self {
            Self::Off => endpoint::open_to_all(participant.endpoint).map(|()| None),
            Self::LoopbackOnly => endpoint::stays_here(participant.endpoint).map(|()| None),
            Self::Keys { folder } => {
                endpoint::is_tls(participant.endpoint)?;
                credentials(folder, participant).map(Some)
            }
        }
    }
}

impl Participant<'_> {
    /// The number under which this participant, whose session gave these random bits, is known to others: with keys
    /// it is bound to the certificate.
    ///
    /// # Errors
    /// As [`Participant::config`].
    pub(crate) fn number(&self, security: &Security, random: u32) -> Result<u32, SecurityError> {
        let bound = match security.admit(self)? {
            Some(credentials) => self.role.client(credentials.device_index, random),
            None => None,
        };
        Ok(bound.unwrap_or(random.max(1)))
    }
}

/// Finds and checks the files of `participant` in `folder`.
fn credentials(folder: &Path, participant: &Participant<'_>) -> Result<Credentials, SecurityError> {
    // Relative paths would change with the working directory while sessions reconnect.
    let folder = std::path::absolute(folder).map_err(|e| SecurityError::file(folder, &e))?;
    let name = participant.role.name();
    let mut found = Credentials {
        authority: folder.join("ca.pem"),
        certificate: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
        device_index: 0,
    };
    let now = std::time::SystemTime::now();
    let (role, robot) = (participant.role, participant.robot);
    let checked = match role {
        Role::Guest => check::of_others(&found, now)?,
        role => check::one(&found, Some((role, robot, None)), now)?,
    };
    let device_index = role.device_index_of(&checked.common_name, robot);
    found.device_index = device_index.unwrap_or_default();
    let problems = checked.problems;
    match problems.into_iter().next() {
        None => Ok(found),
        Some(problem) => Err(SecurityError::Certificate {
            path: found.certificate,
            problem,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_word_off_turns_it_off() {
        let read = Security::from_settings;
        assert_eq!(read("", ""), Ok(Security::LoopbackOnly));
        assert_eq!(read("off", ""), Ok(Security::Off));
        assert_eq!(
            read("", "keys"),
            Ok(Security::Keys {
                folder: "keys".into()
            })
        );
        for (word, keys) in [("Off", ""), ("none", ""), ("off", "keys"), ("on", "keys")] {
            assert!(read(word, keys).is_err(), "{word} {keys}");
        }
    }
}
