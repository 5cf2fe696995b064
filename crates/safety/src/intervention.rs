//! Why a command was changed or not let through.

/// One reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Intervention {
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
    FollowingError,
    /// An opening the gripper does not have.
    Gripper,
    /// An action that is no pose: its columns span no plane.
    NotAPose,
    /// What was measured is not of this robot, or not finite.
    State,
    /// A change of acceleration larger than allowed.
    Jerk,
    /// Faster than a joint may move so near its position limit, now or when braking.
    Barrier,
    /// The arm would come too near itself, now or when braking.
    SelfCollision,
    /// Computed from an observation that is too old.
    ChunkStale,
}

impl Intervention {
    /// Every reason.
    pub const ALL: [Self; 15] = [
        Self::NotFinite,
        Self::Dimension,
        Self::Stale,
        Self::Position,
        Self::Velocity,
        Self::Acceleration,
        Self::Workspace,
        Self::FollowingError,
        Self::Gripper,
        Self::NotAPose,
        Self::State,
        Self::Jerk,
        Self::Barrier,
        Self::SelfCollision,
        Self::ChunkStale,
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
            Self::FollowingError => "lead",
            Self::Gripper => "gripper",
            Self::NotAPose => "not_a_pose",
            Self::State => "state",
            Self::Jerk => "jerk",
            Self::Barrier => "barrier",
            Self::SelfCollision => "self_collision",
            Self::ChunkStale => "chunk_stale",
        }
    }
}

/// A set of reasons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interventions(u32);

impl Interventions {
    /// Adds a reason.
    pub fn insert(&mut self, intervention: Intervention) {
        self.0 |= 1 << intervention as u32;
    }

    /// Adds all of another set.
    pub fn merge(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether a reason is in it.
    #[must_use]
    pub fn contains(self, intervention: Intervention) -> bool {
        self.0 & (1 << intervention as u32) != 0
    }

    /// Whether it holds no reason.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the command was only made slower or smoother, as any step of a target has to be: its
    /// reasons are velocity, near a position limit too, acceleration and jerk, nothing else.
    #[must_use]
    pub fn only_rate_limits(self) -> bool {
        let mut shaping = Self::default();
        for intervention in [
            Intervention::Velocity,
            Intervention::Acceleration,
            Intervention::Jerk,
            Intervention::Barrier,
        ] {
            shaping.insert(intervention);
        }
        self.0 != 0 && self.0 & !shaping.0 == 0
    }

    /// Names of the reasons.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Intervention::ALL
            .into_iter()
            .filter(move |&r| self.contains(r))
            .map(Intervention::name)
    }
}

/// How many commands each reason changed; a command may have several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterventionCounts([u64; Intervention::ALL.len()]);

impl InterventionCounts {
    /// Counts a command's reasons.
    pub fn count(&mut self, interventions: Interventions) {
        for (count, intervention) in self.0.iter_mut().zip(Intervention::ALL) {
            *count += u64::from(interventions.contains(intervention));
        }
    }

    /// Commands changed for this reason.
    #[must_use]
    pub fn of(&self, intervention: Intervention) -> u64 {
        self.0[intervention as usize]
    }

    /// Name and count of every reason, in the order of [`Intervention::ALL`].
    pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Intervention::ALL
            .into_iter()
            .map(Intervention::name)
            .zip(self.0)
    }
}

impl std::ops::AddAssign for InterventionCounts {
    fn add_assign(&mut self, other: Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_own_place_and_name() {
        let mut counts = InterventionCounts::default();
        for (place, intervention) in Intervention::ALL.into_iter().enumerate() {
            assert_eq!(intervention as usize, place);
            let mut interventions = Interventions::default();
            interventions.insert(intervention);
            assert_eq!(
                interventions.names().collect::<Vec<_>>(),
                [intervention.name()]
            );
            (0..=place).for_each(|_| counts.count(interventions));
        }
        counts += counts;
        for (place, (name, count)) in counts.named().enumerate() {
            assert_eq!(
                (name, count),
                (Intervention::ALL[place].name(), 2 * place as u64 + 2)
            );
            assert_eq!(counts.of(Intervention::ALL[place]), count);
        }
    }

    #[test]
    fn only_speed_and_its_changes_are_shaping() {
        let of = |reasons: &[Intervention]| {
            let mut set = Interventions::default();
            reasons.iter().for_each(|&r| set.insert(r));
            set
        };
        assert!(of(&[Intervention::Velocity]).only_rate_limits());
        assert!(of(&[Intervention::Velocity, Intervention::Acceleration]).only_rate_limits());
        assert!(of(&[Intervention::Jerk]).only_rate_limits());
        assert!(of(&[Intervention::Barrier, Intervention::Velocity]).only_rate_limits());
        assert!(!of(&[Intervention::Jerk, Intervention::SelfCollision]).only_rate_limits());
        assert!(!of(&[Intervention::ChunkStale]).only_rate_limits());
        assert!(!of(&[]).only_rate_limits());
        assert!(!of(&[Intervention::Velocity, Intervention::Workspace]).only_rate_limits());
    }
}
