//! Why a gate refused a message.

/// One reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Denial {
    /// It could not be read.
    Malformed,
    /// No lease of the client is alive.
    NoLease,
    /// The arm belongs to another client.
    Owned,
    /// It does not come from the arm's owner.
    NotOwner,
    /// The arm is not enabled.
    NotActive,
    /// The arm reports a fault.
    Faulted,
    /// The arm was stopped, and no person has acknowledged it.
    Stopped,
    /// The arm is on its way home.
    Homing,
    /// The arm has not come to rest.
    Moving,
    /// The arm does not say where it is, or has not for long.
    State,
    /// Its sequence number is not above the last one's, or too far above it.
    Sequence,
    /// Another number of joints than the arm has.
    Dimension,
    /// A number is not finite.
    NotFinite,
    /// Outside position or gripper limits.
    Bounds,
    /// Further from the last target than a joint may have moved.
    Step,
    /// Too far from the measured position.
    FollowingError,
    /// More commands than the arm takes.
    Rate,
}

impl Denial {
    /// Every reason, by its place on the wire.
    pub const ALL: [Self; 17] = [
        Self::Malformed,
        Self::NoLease,
        Self::Owned,
        Self::NotOwner,
        Self::NotActive,
        Self::Faulted,
        Self::Stopped,
        Self::Homing,
        Self::Moving,
        Self::State,
        Self::Sequence,
        Self::Dimension,
        Self::NotFinite,
        Self::Bounds,
        Self::Step,
        Self::FollowingError,
        Self::Rate,
    ];

    /// Its name, as in files and on pages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NoLease => "no_lease",
            Self::Owned => "owned",
            Self::NotOwner => "not_owner",
            Self::NotActive => "not_active",
            Self::Faulted => "faulted",
            Self::Stopped => "stopped",
            Self::Homing => "homing",
            Self::Moving => "moving",
            Self::State => "state",
            Self::Sequence => "sequence",
            Self::Dimension => "dimension",
            Self::NotFinite => "not_finite",
            Self::Bounds => "bounds",
            Self::Step => "step",
            Self::FollowingError => "following_error",
            Self::Rate => "rate",
        }
    }

    /// What it means, and what to do.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Malformed => "the message cannot be read; both sides must speak the same version",
            Self::NoLease => {
                "no liveliness token of this client is seen; declare the lease, then acquire"
            }
            Self::Owned => "the arm belongs to another client; stop that one first",
            Self::NotOwner => "only the arm's owner may; acquire it first",
            Self::NotActive => "the arm is not enabled; enable it first",
            Self::Faulted => "the arm reports a fault; see to it, then recover and enable",
            Self::Stopped => {
                "the arm was stopped while nobody owned it, or its owner has gone since; see to it, then acknowledge (apprentice acknowledge)"
            }
            Self::Homing => "the arm is on its way home; wait until it is there, or stop it",
            Self::Moving => "the arm still moves; ask again once it is at rest",
            Self::State => "the arm does not say where it is; see whether its driver runs",
            Self::Sequence => {
                "sequence numbers must rise, by at most 1048576, and begin below 4294967296"
            }
            Self::Dimension => "the number of joints is not the arm's",
            Self::NotFinite => "every number must be finite",
            Self::Bounds => "the target is outside the limits of the description",
            Self::Step => "the target jumps further than the joints may move",
            Self::FollowingError => "the target is too far from where the arm is",
            Self::Rate => "commands come faster than the arm takes them",
        }
    }
}

/// How many messages were refused for each reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DenialCounts([u64; Denial::ALL.len()]);

impl DenialCounts {
    /// Counts one.
    pub fn count(&mut self, denial: Denial) {
        if let Some(count) = self.0.get_mut(denial as usize) {
            *count += 1;
        }
    }

    /// Counts as they came over the link, in the order of [`Denial::ALL`]; missing ones are 0.
    #[must_use]
    pub fn from_counts(counts: &[u64]) -> Self {
        let mut all = Self::default();
        all.0.iter_mut().zip(counts).for_each(|(a, c)| *a = *c);
        all
    }

    /// Messages refused for this reason.
    #[must_use]
    pub fn of(&self, denial: Denial) -> u64 {
        self.0.get(denial as usize).copied().unwrap_or(0)
    }

    /// Messages refused.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Name and count of every reason, in the order of [`Denial::ALL`].
    pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Denial::ALL.into_iter().map(Denial::name).zip(self.0)
    }
}
