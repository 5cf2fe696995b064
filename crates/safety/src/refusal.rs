//! Why a command was changed or not let through.

/// One reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A number is not finite.
    NotFinite,
    /// Another number of joints than the robot has.
    Dimension,
    /// Older than allowed, or none came.
    Stale,
    /// Beyond a joint's position limits, now or when braking.
    Position,
    /// Faster than a joint may move.
    Velocity,
    /// A change of speed larger than allowed.
    Acceleration,
    /// The tool would leave its workspace, now or when braking.
    Workspace,
    /// Too far ahead of the measured joints.
    Lead,
    /// An opening the gripper does not have.
    Gripper,
}

impl Refusal {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::NotFinite,
        Self::Dimension,
        Self::Stale,
        Self::Position,
        Self::Velocity,
        Self::Acceleration,
        Self::Workspace,
        Self::Lead,
        Self::Gripper,
    ];

    /// Its name, as in files and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotFinite => "not_finite",
            Self::Dimension => "dimension",
            Self::Stale => "stale",
            Self::Position => "position",
            Self::Velocity => "velocity",
            Self::Acceleration => "acceleration",
            Self::Workspace => "workspace",
            Self::Lead => "lead",
            Self::Gripper => "gripper",
        }
    }
}

/// A set of reasons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals(u16);

impl Refusals {
    /// Adds a reason.
    pub fn insert(&mut self, refusal: Refusal) {
        self.0 |= 1 << refusal as u16;
    }

    /// Adds all of another set.
    pub fn merge(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether a reason is in it.
    #[must_use]
    pub fn contains(self, refusal: Refusal) -> bool {
        self.0 & (1 << refusal as u16) != 0
    }

    /// Whether it holds no reason.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Names of the reasons.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Refusal::ALL
            .into_iter()
            .filter(move |&r| self.contains(r))
            .map(Refusal::name)
    }
}
