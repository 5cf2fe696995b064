//! What state an arm is in for those who command it, and what they may ask for.

/// The state of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Phase {
    /// Belongs to nobody; stays where it is.
    Free = 0,
    /// Belongs to a client, not enabled.
    Owned = 1,
    /// Obeys its owner.
    Active = 2,
    /// Nothing came for a while; stays where it is until the next command.
    Holding = 3,
    /// Was stopped, or nothing came for long; brakes, and stays until it is enabled.
    Stopped = 4,
    /// Moves to its home posture by itself.
    Homing = 5,
    /// Reports a fault; has to be recovered, then enabled.
    Faulted = 6,
}

impl Phase {
    /// Every phase, by its number on the wire.
    pub const ALL: [Self; 7] = [
        Self::Free,
        Self::Owned,
        Self::Active,
        Self::Holding,
        Self::Stopped,
        Self::Homing,
        Self::Faulted,
    ];

    /// The phase with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its name, as in files and on pages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Owned => "owned",
            Self::Active => "active",
            Self::Holding => "holding",
            Self::Stopped => "stopped",
            Self::Homing => "homing",
            Self::Faulted => "faulted",
        }
    }
}

/// What a client may ask of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// To own it; needs a lease that is alive.
    Acquire,
    /// To own it no longer.
    Release,
    /// To have it obey, from where it is.
    Enable,
    /// To stop it; anyone may.
    Stop,
    /// To say that a person has seen to a stop, so that its next owner may enable it; nobody but a person may.
    Acknowledge,
    /// To clear its fault.
    Recover,
    /// To have it move to its home posture.
    Home,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 7] = [
        Self::Acquire,
        Self::Release,
        Self::Enable,
        Self::Stop,
        Self::Acknowledge,
        Self::Recover,
        Self::Home,
    ];

    /// Its name, as in its key.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Release => "release",
            Self::Enable => "enable",
            Self::Stop => "stop",
            Self::Acknowledge => "acknowledge",
            Self::Recover => "recover",
            Self::Home => "home",
        }
    }
}
