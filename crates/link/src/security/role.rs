//! Roles of participants.

/// What a participant is to a robot; it decides what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The robot: publishes what it feels and sees, obeys.
    Robot,
    /// What commands it: a policy's runtime.
    Runtime,
    /// A device with which a person takes over.
    Operator,
    /// Looks on, and may call for a stop.
    Viewer,
    /// Stands between the others and passes on.
    Router,
    /// Speaks another protocol than ours. Its keys are not ours to judge: with keys, connections prove
    /// themselves, but there is no access control on our side.
    Guest,
}

impl Role {
    /// Every role with a certificate of [`CertificateAuthority::write`](super::CertificateAuthority::write).
    pub const CERTIFIED: [Self; 5] = [
        Self::Robot,
        Self::Runtime,
        Self::Operator,
        Self::Viewer,
        Self::Router,
    ];

    /// Its name, which is also that of its files (`robot.pem`, `robot.key`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Robot => "robot",
            Self::Runtime => "runtime",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Router => "router",
            Self::Guest => "guest",
        }
    }

    /// Whether others may connect to it.
    #[must_use]
    pub fn may_listen(self) -> bool {
        !matches!(self, Self::Operator | Self::Viewer)
    }

    /// The common name in the certificate of its first device, such as `runtime@panda`.
    #[must_use]
    pub fn common_name(self, robot: &str) -> String {
        self.common_name_at(0, robot)
    }
}
