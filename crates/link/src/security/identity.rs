//! From the name in a certificate to a client's number.
//!
//! A role has places, one a device: `operator@arm` is place 0, `operator.1@arm` place 1. A client's number is its
//! role (4 bits), its place (8 bits) and its session (20 bits, random): access rules bind the first two to the
//! certificate. The session makes the number of a process that was started anew another one: its messages are
//! numbered from the beginning again, while the old ones must not count a second time.

use super::{Role, SecurityError};

/// Bits of a client's number that differ between the sessions of one certificate.
pub(crate) const SESSION_BITS: u32 = 20;
/// Devices a role can have.
const MAX_DEVICES: u32 = 16;

impl Role {
    /// How many devices of this role a robot knows apart.
    #[must_use]
    pub fn max_devices(self) -> u32 {
        match self {
            Self::Robot | Self::Router => 1,
            Self::Runtime | Self::Operator | Self::Viewer => MAX_DEVICES,
            Self::Guest => 0,
        }
    }

    /// What its files, and its certificate before the `@`, are called: `operator`, and `operator.1` of the second.
    #[must_use]
    pub fn name_at(self, device_index: u32) -> String {
        match device_index {
            0 => self.name().into(),
            _ => format!("{}.{device_index}", self.name()),
        }
    }

    /// The common name in a certificate, such as `runtime@panda` or `runtime.1@panda`.
    #[must_use]
    pub fn common_name_at(self, device_index: u32, robot: &str) -> String {
        format!("{}@{robot}", self.name_at(device_index))
    }

    /// The place of a certificate with this common name; `None` if it is not one of this role and robot.
    #[must_use]
    pub fn device_index_of(self, common_name: &str, robot: &str) -> Option<u32> {
        (0..self.max_devices())
            .find(|device_index| self.common_name_at(*device_index, robot) == common_name)
    }

    /// What is the same in all numbers of one certificate's clients; `None` where it has none of its own.
    fn number(self, device_index: u32) -> Option<u32> {
        let role = match self {
            Self::Runtime => 1,
            Self::Operator => 2,
            Self::Viewer => 3,
            Self::Robot | Self::Router | Self::Guest => return None,
        };
        (device_index < self.max_devices()).then_some(role << 28 | device_index << SESSION_BITS)
    }

    /// The number of a client with such a certificate, from random bits of its session.
    pub(crate) fn client(self, device_index: u32, random: u32) -> Option<u32> {
        let session = random & ((1 << SESSION_BITS) - 1);
        self.number(device_index).map(|number| number | session)
    }

    /// The end of keys that bear a number of such a certificate's clients, as a key expression.
    pub(crate) fn clients(self, device_index: u32) -> Option<String> {
        let number = self.number(device_index)?;
        Some(format!("{:03x}$*", number >> SESSION_BITS))
    }
}

/// How many devices of a role are given certificates of their own, 1 to 16 each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Devices {
    /// Runtimes.
    pub runtimes: u32,
    /// Devices with which people take over.
    pub operators: u32,
    /// Viewers.
    pub viewers: u32,
}

impl Default for Devices {
    fn default() -> Self {
        Self {
            runtimes: 1,
            operators: 1,
            viewers: 1,
        }
    }
}

impl Devices {
    /// How many of this role.
    ///
    /// # Errors
    /// When there are none or more than are told apart.
    pub(super) fn of(&self, role: Role) -> Result<u32, SecurityError> {
        let count = match role {
            Role::Runtime => self.runtimes,
            Role::Operator => self.operators,
            Role::Viewer => self.viewers,
            Role::Robot | Role::Router | Role::Guest => 1,
        };
        if (1..=role.max_devices()).contains(&count) {
            Ok(count)
        } else {
            Err(SecurityError::DeviceCount {
                role: role.name().into(),
                got: count,
                most: role.max_devices(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_certificate_has_numbers_of_its_own() {
        let roles = [Role::Runtime, Role::Operator, Role::Viewer];
        let mut ends = BTreeSet::new();
        for role in roles {
            for device_index in 0..role.max_devices() {
                let name = role.common_name_at(device_index, "arm");
                assert_eq!(role.device_index_of(&name, "arm"), Some(device_index));
                for other in roles.into_iter().filter(|r| *r != role) {
                    assert_eq!(other.device_index_of(&name, "arm"), None);
                }
                let end = role.clients(device_index).unwrap();
                for random in [0, 1, 0x1234_5678, u32::MAX] {
                    let number = format!("{:08x}", role.client(device_index, random).unwrap());
                    assert!(
                        number.starts_with(end.strip_suffix("$*").unwrap()),
                        "{number}"
                    );
                }
                assert!(ends.insert(end));
            }
            assert_eq!(role.client(role.max_devices(), 7), None);
        }
        assert_eq!(ends.len(), 48);
        assert_eq!(Role::Operator.clients(3).as_deref(), Some("203$*"));
        assert_eq!(Role::Operator.client(0, 0), Some(0x2000_0000));
    }

    #[test]
    fn a_name_is_spelt_in_one_way() {
        for other in [
            "operator.0@arm",
            "operator.01@arm",
            "operator.+1@arm",
            "operator.16@arm",
            "operator.@arm",
            "Operator@arm",
            "operator@arm2",
            "operator@",
            "operator.1",
            "",
            "operator.1@arm ",
        ] {
            assert_eq!(
                Role::Operator.device_index_of(other, "arm"),
                None,
                "{other:?}"
            );
        }
    }
}
