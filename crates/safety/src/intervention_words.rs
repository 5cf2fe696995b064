//! What the guard's reasons say to people: what it did, which limit it kept, in which unit, and what to do.

use crate::Intervention;

impl Intervention {
    /// The reason of this name ([`Intervention::name`]); `None` for a name that is not known.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// What the guard did, after the words "the guard".
    #[must_use]
    pub fn did(self) -> &'static str {
        match self {
            Self::NotFinite => "braked, since a number of the command was infinite or no number",
            Self::Dimension => "braked, since the command was for another number of joints",
            Self::Stale => "braked, since no command came in time",
            Self::Position => "stopped a joint before its end",
            Self::Velocity => "slowed a joint to its highest speed",
            Self::Acceleration => "spread a change of a joint's speed over more time",
            Self::Workspace => "kept the tool inside the workspace",
            Self::FollowingError => "waited for an arm that is behind its commands",
            Self::Gripper => "kept the gripper to the openings it has",
            Self::NotAPose => "braked, since the action was no pose",
            Self::State => "braked, since what the arm says of itself cannot be used",
            Self::Jerk => "spread a jolt of a joint over more time",
            Self::Barrier => "slowed a joint near its end",
            Self::SelfCollision => "kept the arm clear of itself",
            Self::ChunkStale => "braked, since the policy decided from a picture that is too old",
        }
    }

    /// The setting that says how much is allowed, and its unit; empty where there is none.
    #[must_use]
    pub fn limit(self) -> &'static str {
        match self {
            Self::Position => "`position` of the joint in robot.toml, rad or m",
            Self::Velocity => "`velocity` of the joint in robot.toml, rad/s or m/s",
            Self::Acceleration => "`acceleration` of the joint in robot.toml, rad/s^2 or m/s^2",
            Self::Jerk => "`jerk` of the joint in robot.toml, rad/s^3 or m/s^3",
            Self::Barrier => "`barrier` of the joint in robot.toml, rad/s or m/s",
            Self::Workspace => "`workspace` in robot.toml, m",
            Self::Gripper => "0 to `max_width_m` of the gripper in robot.toml, m",
            Self::FollowingError => "guard.following_error_rad, rad or m",
            Self::SelfCollision => "guard.self_clearance_m, m",
            Self::Stale => "guard.stale_ms, ms",
            Self::ChunkStale => "guard.chunk_stale_ms, ms",
            Self::NotFinite | Self::Dimension | Self::NotAPose | Self::State => "",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Velocity | Self::Acceleration | Self::Jerk | Self::Barrier => {
                "nothing: any quick command is made smooth like this"
            }
            Self::Position => {
                "nothing where the task needs that end; otherwise demonstrate farther from it"
            }
            Self::Workspace => {
                "see whether the task needs more room than `workspace`, or demonstrate farther inside"
            }
            Self::Gripper => "see whether `max_width_m` is the gripper's own",
            Self::FollowingError => {
                "see whether something holds the arm, or its driver obeys too slowly"
            }
            Self::SelfCollision => "demonstrate postures that keep the arm's parts farther apart",
            Self::Stale => {
                "see whether the computer is busy with something else, or the policy takes too long (inference)"
            }
            Self::ChunkStale => "use fewer inference steps, a faster device, or a smaller policy",
            Self::NotFinite | Self::NotAPose => {
                "train again with a smaller learning rate; a policy that trained well gives numbers"
            }
            Self::Dimension => "use a policy that was trained for this robot",
            Self::State => "see to the robot's driver: `apprentice robot check --live` tests it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_says_what_was_done_and_what_to_do() {
        for reason in Intervention::ALL {
            assert_eq!(Intervention::named(reason.name()), Some(reason));
            assert!(!reason.did().is_empty() && !reason.advice().is_empty());
            // Nobody has to know what we call it.
            assert!(!reason.did().contains('_'), "{}", reason.did());
            assert!(reason.limit().is_empty() || reason.limit().contains(", "));
        }
        assert_eq!(Intervention::named("of another build"), None);
    }
}
