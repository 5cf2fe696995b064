//! Where messages go: `apprentice/<robot>/...`.

use apprentice_safety::Service;

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

    /// Joint state, published by the robot.
    #[must_use]
    pub fn state(&self) -> String {
        format!("{}/state", self.prefix)
    }

    /// Joint commands, published to the robot.
    #[must_use]
    pub fn command(&self) -> String {
        format!("{}/command", self.prefix)
    }

    /// Frames of a camera, published by the robot.
    #[must_use]
    pub fn camera(&self, name: &str) -> String {
        format!("{}/camera/{name}", self.prefix)
    }

    /// Targets to come, published to the robot.
    #[must_use]
    pub fn chunk(&self) -> String {
        format!("{}/chunk", self.prefix)
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

    /// A service, asked of the robot.
    #[must_use]
    pub fn service(&self, service: Service) -> String {
        format!("{}/service/{}", self.prefix, service.name())
    }

    /// The liveliness token of the robot.
    #[must_use]
    pub fn alive(&self) -> String {
        format!("{}/alive", self.prefix)
    }

    /// The liveliness token of a client that wants to own the arm.
    #[must_use]
    pub fn lease(&self, client: u32) -> String {
        format!("{}/lease/{client:08x}", self.prefix)
    }

    /// All clients' liveliness tokens.
    #[must_use]
    pub fn leases(&self) -> String {
        format!("{}/lease/*", self.prefix)
    }

    /// The client whose token `key` is.
    #[must_use]
    pub fn client_of(&self, key: &str) -> Option<u32> {
        let name = key.strip_prefix(&self.prefix)?.strip_prefix("/lease/")?;
        (name.len() == 8).then(|| u32::from_str_radix(name, 16).ok())?
    }

    /// What an operator's device says, published by the device.
    #[must_use]
    pub fn takeover(&self) -> String {
        format!("{}/takeover", self.prefix)
    }

    /// The liveliness token of an operator's device.
    #[must_use]
    pub fn takeover_lease(&self, client: u32) -> String {
        format!("{}/takeover/{client:08x}", self.prefix)
    }

    /// All operators' devices' liveliness tokens.
    #[must_use]
    pub fn takeover_leases(&self) -> String {
        format!("{}/takeover/*", self.prefix)
    }

    /// The robot's description, asked of it.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{}/describe", self.prefix)
    }

    /// The next tick, asked of a robot in lockstep.
    #[must_use]
    pub fn clock(&self) -> String {
        format!("{}/clock", self.prefix)
    }

    /// A new scene, asked of a robot that can set one up.
    #[must_use]
    pub fn reset(&self) -> String {
        format!("{}/reset", self.prefix)
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

    #[test]
    fn a_lease_names_its_client() {
        let keys = Keys::new("fr3");
        assert_eq!(keys.lease(0x2a), "apprentice/fr3/lease/0000002a");
        assert_eq!(keys.client_of(&keys.lease(0xdead_beef)), Some(0xdead_beef));
        for other in [
            "apprentice/fr3/lease/2a",
            "apprentice/x/lease/0000002a",
            "",
            "é",
        ] {
            assert_eq!(keys.client_of(other), None);
        }
        assert_eq!(keys.service(Service::Home), "apprentice/fr3/service/home");
    }
}
