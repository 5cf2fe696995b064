//! Where messages go: `apprentice/<robot>/...`.
//!
//! What a client sends goes on a key of its own, that ends in its number: access rules bind that number to a
//! certificate, and [`Keys::sender`] is the only way a number is read from a key.

use apprentice_safety::Service;

/// A client's number in a key: eight lower-case hexadecimal digits, and not 0. No other spelling is the same.
fn number(segment: &str) -> Option<u32> {
    let digit = |b| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let canonical = segment.len() == 8 && segment.bytes().all(digit);
    let number = u32::from_str_radix(segment, 16).ok()?;
    (canonical && number != 0).then_some(number)
}

/// What a client sends on a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientMessage {
    /// Joint commands, published to the robot.
    Command,
    /// Targets to come, published to the robot.
    Chunk,
    /// What an operator's device says, published by the device; also its liveliness token.
    Takeover,
    /// The liveliness token of a client that wants to own the arm.
    Lease,
    /// A service, asked of the robot.
    Service(Service),
    /// A new scene, asked of a robot that can set one up.
    Reset,
}

impl ClientMessage {
    /// Below `apprentice/<robot>/`, without the client's number.
    pub(crate) fn path(self) -> String {
        match self {
            Self::Command => "command".into(),
            Self::Chunk => "chunk".into(),
            Self::Takeover => "takeover".into(),
            Self::Lease => "lease".into(),
            Self::Service(service) => format!("service/{}", service.name()),
            Self::Reset => "reset".into(),
        }
    }
}

/// The keys of one robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// Keys of the robot called `robot`.
    #[must_use]
    pub fn new(robot: &str) -> Self {
        Self {
            prefix: format!("apprentice/{robot}"),
        }
    }

    /// The key on which `client` sends this.
    #[must_use]
    pub fn of(&self, sent: ClientMessage, client: u32) -> String {
        format!("{}/{}/{client:08x}", self.prefix, sent.path())
    }

    /// The key on which all clients are heard that send this.
    #[must_use]
    pub fn all(&self, sent: ClientMessage) -> String {
        format!("{}/{}/*", self.prefix, sent.path())
    }

    /// Who sends this on `key`; `None` where the key is not exactly one of [`Keys::of`].
    #[must_use]
    pub fn sender(&self, sent: ClientMessage, key: &str) -> Option<u32> {
        let below = key.strip_prefix(&self.prefix)?.strip_prefix('/')?;
        number(below.strip_prefix(&sent.path())?.strip_prefix('/')?)
    }

    /// Joint state, published by the robot.
    #[must_use]
    pub fn state(&self) -> String {
        format!("{}/state", self.prefix)
    }

    /// Frames of a camera, published by the robot.
    #[must_use]
    pub fn camera(&self, name: &str) -> String {
        format!("{}/camera/{name}", self.prefix)
    }

    /// How the arm stands, published by the robot.
    #[must_use]
    pub fn status(&self) -> String {
        format!("{}/status", self.prefix)
    }

    /// What happened to the arm, published by the robot.
    #[must_use]
    pub fn event(&self) -> String {
        format!("{}/event", self.prefix)
    }

    /// Who decides for the arm, published by the runtime.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{}/authority", self.prefix)
    }

    /// How far the running episode is, published by the runtime.
    #[must_use]
    pub fn episode(&self) -> String {
        format!("{}/episode", self.prefix)
    }

    /// The liveliness token of the robot.
    #[must_use]
    pub fn alive(&self) -> String {
        format!("{}/alive", self.prefix)
    }

    /// The robot's description, asked of it.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{}/describe", self.prefix)
    }

    /// How the episode that has just ended went, asked of a robot that can tell.
    #[must_use]
    pub fn verdict(&self) -> String {
        format!("{}/verdict", self.prefix)
    }

    /// The next tick, asked of a robot in lockstep.
    #[must_use]
    pub fn clock(&self) -> String {
        format!("{}/clock", self.prefix)
    }

    /// What a person at the controls would do now, asked of their device.
    #[must_use]
    pub fn teleop(&self) -> String {
        format!("{}/teleop", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [ClientMessage; 6] = [
        ClientMessage::Command,
        ClientMessage::Chunk,
        ClientMessage::Takeover,
        ClientMessage::Lease,
        ClientMessage::Service(Service::Home),
        ClientMessage::Reset,
    ];

    #[test]
    fn a_key_names_who_sends_on_it() {
        let keys = Keys::new("fr3");
        assert_eq!(
            keys.of(ClientMessage::Lease, 0x2a),
            "apprentice/fr3/lease/0000002a"
        );
        assert_eq!(
            keys.of(ClientMessage::Service(Service::Home), 0xdead_beef),
            "apprentice/fr3/service/home/deadbeef"
        );
        for sent in ALL {
            for client in [1, 0x2a, 0xdead_beef, u32::MAX] {
                let key = keys.of(sent, client);
                assert_eq!(keys.sender(sent, &key), Some(client));
                for other in ALL.iter().filter(|o| **o != sent) {
                    assert_eq!(keys.sender(*other, &key), None, "{other:?} {key}");
                }
                assert_eq!(Keys::new("fr").sender(sent, &key), None);
            }
        }
    }

    #[test]
    fn no_other_spelling_of_a_number_is_read() {
        let keys = Keys::new("fr3");
        for sent in ALL {
            let path = keys.all(sent);
            let path = path.strip_suffix('*').unwrap();
            for alias in [
                "",
                "0",
                "00000000",
                "abc",
                "+abc",
                "+0000abc",
                "-0000abc",
                "00000ABC",
                "A768B7AF",
                "a768b7aF",
                "000000abc",
                "0000abc",
                "0x000abc",
                " 0000abc",
                "0000abc ",
                "0000abc/",
                "00000abc/00000abc",
                "*",
                "**",
                "$*",
                "0000*abc",
                "00000ab\u{e9}",
                "\u{661}0000abc",
                "0000_abc",
                "0000000g",
            ] {
                assert_eq!(
                    keys.sender(sent, &format!("{path}{alias}")),
                    None,
                    "{alias:?}"
                );
            }
            assert_eq!(keys.sender(sent, &format!("{path}00000abc")), Some(0xabc));
            assert_eq!(keys.sender(sent, &format!("/{path}00000abc")), None);
        }
        for other in [
            "",
            "apprentice/x/lease/0000002a",
            "apprentice/fr3lease/0000002a",
            "\u{e9}",
        ] {
            assert_eq!(keys.sender(ClientMessage::Lease, other), None, "{other:?}");
        }
    }
}
