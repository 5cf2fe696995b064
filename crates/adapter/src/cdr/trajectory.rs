//! `trajectory_msgs/JointTrajectory`, its points packed.

use super::messages::{Duration, Header};
use super::packed::{MoreNumbers, Names};
use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde::ser::{SerializeSeq as _, SerializeTuple as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Where joints should be, and when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JointTrajectory {
    /// When it begins; 0 is at once.
    pub header: Header,
    /// Which joints.
    pub joint_names: Names,
    /// Where they pass.
    pub points: Points,
}

/// One point: each list has a number a joint, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TrajectoryPoint<'a> {
    /// rad or m.
    pub positions: &'a [f64],
    /// rad/s or m/s.
    pub velocities: &'a [f64],
    /// rad/s^2 or m/s^2.
    pub accelerations: &'a [f64],
    /// N m or N.
    pub effort: &'a [f64],
    /// Since the trajectory began.
    pub time_from_start: Duration,
}

/// Points, the numbers of all of them one behind the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    numbers: Vec<f64>,
    /// Lengths of the four lists of each point, and its time.
    points: Vec<([u16; 4], Duration)>,
}

impl Points {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Each in turn.
    pub fn iter(&self) -> impl Iterator<Item = TrajectoryPoint<'_>> {
        let mut rest = &self.numbers[..];
        self.points.iter().map(move |(lengths, time)| {
            let [positions, velocities, accelerations, effort] = lengths.map(|length| {
                // The numbers are as many as the lengths say: both are written together.
                let (head, tail) = rest.split_at_checked(length.into()).unwrap_or((rest, &[]));
                rest = tail;
                head
            });
            TrajectoryPoint {
                positions,
                velocities,
                accelerations,
                effort,
                time_from_start: *time,
            }
        })
    }

    /// Adds a point.
    ///
    /// # Errors
    /// When one of its lists is longer than 65535; nothing is added then.
    pub fn push(&mut self, point: &TrajectoryPoint) -> Result<(), &'static str> {
        let lists = [
            point.positions,
            point.velocities,
            point.accelerations,
            point.effort,
        ];
        let mut lengths = [0; 4];
        for (length, list) in lengths.iter_mut().zip(lists) {
            *length = short(list.len())?;
        }
        lists.iter().for_each(|l| self.numbers.extend(*l));
        self.points.push((lengths, point.time_from_start));
        Ok(())
    }
}

fn short(length: usize) -> Result<u16, &'static str> {
    u16::try_from(length).map_err(|_| "a point has more than 65535 joints")
}

impl Serialize for TrajectoryPoint<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut parts = serializer.serialize_tuple(5)?;
        parts.serialize_element(self.positions)?;
        parts.serialize_element(self.velocities)?;
        parts.serialize_element(self.accelerations)?;
        parts.serialize_element(self.effort)?;
        parts.serialize_element(&self.time_from_start)?;
        parts.end()
    }
}

impl Serialize for Points {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.len()))?;
        self.iter().try_for_each(|p| list.serialize_element(&p))?;
        list.end()
    }
}

impl<'de> Deserialize<'de> for Points {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Points;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of points")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Points, A::Error> {
                let mut all = Points::default();
                while list.next_element_seed(NextPoint(&mut all))?.is_some() {}
                Ok(all)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// Reads one more point.
struct NextPoint<'a>(&'a mut Points);

impl<'de> DeserializeSeed<'de> for NextPoint<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_tuple(5, self)
    }
}

impl<'de> Visitor<'de> for NextPoint<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a point")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<(), A::Error> {
        let cut = || A::Error::custom("a point is cut off");
        let mut lengths = [0; 4];
        for length in &mut lengths {
            let read = parts.next_element_seed(MoreNumbers(&mut self.0.numbers))?;
            *length = short(read.ok_or_else(cut)?).map_err(A::Error::custom)?;
        }
        let time = parts.next_element()?.ok_or_else(cut)?;
        self.0.points.push((lengths, time));
        Ok(())
    }
}
