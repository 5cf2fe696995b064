//! Lists that take no more memory than their bytes on the wire.

use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Names, one behind the other in one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    text: String,
    /// Where each name ends in the text, bytes.
    ends: Vec<u32>,
}

impl Names {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Each in turn.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts
            .zip(&self.ends)
            .map(|(&from, &to)| self.text.get(from as usize..to as usize).unwrap_or(""))
    }

    /// The place of a name in the list.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.iter().position(|n| n == name)
    }

    /// Adds a name; false when all of them would not fit in 4 GiB.
    fn push(&mut self, name: &str) -> bool {
        let Ok(end) = u32::try_from(self.text.len() + name.len()) else {
            return false;
        };
        self.text.push_str(name);
        self.ends.push(end);
        true
    }
}

impl<S: AsRef<str>> FromIterator<S> for Names {
    /// Names whose text does not fit in 4 GiB are left out.
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut all = Self::default();
        for name in names {
            all.push(name.as_ref());
        }
        all
    }
}

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.len()))?;
        self.iter().try_for_each(|n| list.serialize_element(n))?;
        list.end()
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::at_most(deserializer, usize::MAX)
    }
}

impl Names {
    /// Reads a list of no more than `most` names: for formats where a name may take less than the four bytes
    /// it takes here.
    pub(crate) fn at_most<'de, D: Deserializer<'de>>(
        deserializer: D,
        most: usize,
    ) -> Result<Self, D::Error> {
        struct List(usize);
        impl<'de> Visitor<'de> for List {
            type Value = Names;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of names")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Names, A::Error> {
                let mut names = Names::default();
                while list.next_element_seed(NextName(&mut names))?.is_some() {
                    if names.len() > self.0 {
                        let most = format!("more than {} names", self.0);
                        return Err(A::Error::custom(most));
                    }
                }
                Ok(names)
            }
        }
        deserializer.deserialize_seq(List(most))
    }
}

/// Reads one more name.
struct NextName<'a>(&'a mut Names);

impl<'de> DeserializeSeed<'de> for NextName<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NextName<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a name")
    }
    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<(), E> {
        if self.0.push(name) {
            Ok(())
        } else {
            Err(E::custom("the names are longer than 4 GiB together"))
        }
    }
}

/// Numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Numbers(pub Vec<f64>);

impl Numbers {
    /// The number at a place.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<f64> {
        self.0.get(index).copied()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&[f64]> for Numbers {
    fn from(numbers: &[f64]) -> Self {
        Self(numbers.to_vec())
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut numbers = Vec::new();
        MoreNumbers(&mut numbers).deserialize(deserializer)?;
        Ok(Self(numbers))
    }
}

/// Reads a list of numbers behind those that are there; answers how many.
pub(super) struct MoreNumbers<'a>(pub &'a mut Vec<f64>);

impl<'de> DeserializeSeed<'de> for MoreNumbers<'_> {
    type Value = usize;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for MoreNumbers<'_> {
    type Value = usize;
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of numbers")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<usize, A::Error> {
        let before = self.0.len();
        // The sender's count is not believed: room is made as numbers come.
        while let Some(number) = list.next_element()? {
            self.0.push(number);
        }
        Ok(self.0.len() - before)
    }
}

/// Dimensions of an array: a label, a size and a stride each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dimensions {
    /// What each counts.
    pub labels: Names,
    /// How many of it, and numbers from one to the next.
    pub sizes: Vec<[u32; 2]>,
}

impl Serialize for Dimensions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.sizes.len()))?;
        for (label, sizes) in self.labels.iter().zip(&self.sizes) {
            list.serialize_element(&(label, sizes))?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Dimensions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Dimensions;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of dimensions")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Dimensions, A::Error> {
                let mut all = Dimensions::default();
                while list.next_element_seed(NextDimension(&mut all))?.is_some() {}
                Ok(all)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// Reads one more dimension.
struct NextDimension<'a>(&'a mut Dimensions);

impl<'de> DeserializeSeed<'de> for NextDimension<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_tuple(2, self)
    }
}

impl<'de> Visitor<'de> for NextDimension<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a dimension")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<(), A::Error> {
        let cut = || A::Error::custom("a dimension is cut off");
        parts
            .next_element_seed(NextName(&mut self.0.labels))?
            .ok_or_else(cut)?;
        self.0.sizes.push(parts.next_element()?.ok_or_else(cut)?);
        Ok(())
    }
}
