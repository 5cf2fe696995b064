//! How the mug is held.

use super::mug::{HANDLE, WALL_PART};
use crate::scene::Touch;

/// What the fingers closed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grasp {
    /// Both fingers on the handle.
    Handle,
    /// The wall between the fingers: one inside the mug, one outside.
    Rim,
    /// Anything else: around the whole body, or one finger on the handle and one on the wall.
    Body,
}

impl Grasp {
    /// The names, as facts have them.
    pub const NAMES: [&'static str; 4] = ["handle", "rim", "body", crate::outcome::NOTHING];

    /// What two touching fingers hold.
    #[must_use]
    pub fn from_touches([a, b]: [Touch; 2]) -> Self {
        match (a.part, b.part) {
            (HANDLE, HANDLE) => Self::Handle,
            (WALL_PART, WALL_PART) if a.from_inside != b.from_inside => Self::Rim,
            _ => Self::Body,
        }
    }

    /// Its name, as facts have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Handle => "handle",
            Self::Rim => "rim",
            Self::Body => "body",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_touches() {
        let touch = |part, from_inside| Touch {
            body: 0,
            part,
            from_inside,
        };
        let named = |a, b| Grasp::from_touches([a, b]);
        let (inside, outside) = (touch(WALL_PART, true), touch(WALL_PART, false));
        let handle = touch(HANDLE, false);
        assert_eq!(named(handle, handle), Grasp::Handle);
        assert_eq!(named(inside, outside), Grasp::Rim);
        assert_eq!(named(outside, inside), Grasp::Rim);
        assert_eq!(named(outside, outside), Grasp::Body);
        assert_eq!(named(handle, outside), Grasp::Body);
    }
}
