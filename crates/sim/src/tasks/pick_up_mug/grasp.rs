//! What holding the mug means here.

use crate::mug::Part;
use serde::{Deserialize, Serialize};

/// What the fingers closed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grasp {
    /// Both fingers on the handle.
    Handle,
    /// The wall between the fingers: one inside the mug, one outside.
    Rim,
    /// Anything else: around the whole body, or one finger on the handle and one on the wall.
    Body,
}

/// What one finger presses on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The part touched.
    pub part: Part,
    /// Whether the finger presses the part away from the mug's axis, so is inside the mug.
    pub from_inside: bool,
}

impl Grasp {
    /// What two touching fingers hold.
    #[must_use]
    pub fn from_touches([a, b]: [Touch; 2]) -> Self {
        match (a.part, b.part) {
            (Part::Handle, Part::Handle) => Self::Handle,
            (Part::Wall, Part::Wall) if a.from_inside != b.from_inside => Self::Rim,
            _ => Self::Body,
        }
    }
}

/// How an episode stands. Known to the judge only; never on the link.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The mug is held and at least the configured height above the table.
    pub success: bool,
    /// What the fingers hold, or held last.
    pub grasp: Option<Grasp>,
    /// Height of the mug over where it stood, metres.
    pub lifted_m: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_touches() {
        let touch = |part, from_inside| Touch { part, from_inside };
        let named = |a, b| Grasp::from_touches([a, b]);
        let (inside, outside) = (touch(Part::Wall, true), touch(Part::Wall, false));
        let handle = touch(Part::Handle, false);
        assert_eq!(named(handle, handle), Grasp::Handle);
        assert_eq!(named(inside, outside), Grasp::Rim);
        assert_eq!(named(outside, inside), Grasp::Rim);
        assert_eq!(named(outside, outside), Grasp::Body);
        assert_eq!(named(handle, outside), Grasp::Body);
    }
}
