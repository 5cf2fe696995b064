//! physicalai's records: msgpack maps whose arrays are maps of `__np__`, `dtype`, `shape` and `data`.

use crate::cdr::Names;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The version of the records that is spoken here.
pub const PROTOCOL_VERSION: u64 = 1;
/// The longest record, bytes: real ones have a few thousand.
pub const LONGEST: usize = 64 << 10;
/// How deep records may nest; physicalai's own limit.
const DEEPEST: usize = 32;
/// Most joints of a robot.
const MOST_JOINTS: usize = 128;
/// Most dimensions of an array; numpy's own limit is 64.
const MOST_DIMENSIONS: usize = 8;

/// Numbers, as numpy has them in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Array<'a> {
    /// Says that it is one.
    #[serde(rename = "__np__")]
    pub is_array: bool,
    /// Such as `float32`.
    #[serde(borrow)]
    pub dtype: &'a str,
    /// Sizes.
    pub shape: Shape,
    /// The numbers, C order.
    #[serde(borrow, serialize_with = "as_bytes")]
    pub data: &'a [u8],
}

/// Sizes of an array's dimensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    sizes: [u64; MOST_DIMENSIONS],
    dimensions: usize,
}

/// `.../state`: what the robot measures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct State<'a> {
    /// A number a joint, in the robot's own units.
    #[serde(borrow)]
    pub joint_positions: Array<'a>,
    /// What policies of the robot see.
    #[serde(borrow)]
    pub state: Array<'a>,
    /// The owner's monotonic clock, s.
    pub timestamp: f64,
    /// What else it measures.
    #[serde(borrow)]
    pub sensor_data: Option<Sensors<'a>>,
}

/// Of what else a robot measures, what is of use here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sensors<'a> {
    /// A number a joint, in the robot's own units a second.
    #[serde(borrow)]
    pub velocities: Option<Array<'a>>,
}

/// `.../action`: where joints should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action<'a> {
    /// A number a joint, in the robot's own units.
    #[serde(borrow)]
    pub action: Array<'a>,
    /// Shortest time to get there, s.
    pub goal_time: f64,
    /// The sender's monotonic clock, s.
    pub ts: f64,
}

/// `.../metadata`: who answers, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Of these records.
    pub protocol_version: u64,
    /// The robot's name.
    pub name: String,
    /// Its joints, in the order of the arrays.
    #[serde(deserialize_with = "few_names")]
    pub joint_names: Names,
}

fn few_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Names, D::Error> {
    Names::at_most(deserializer, MOST_JOINTS)
}

fn as_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// The record as msgpack.
///
/// # Errors
/// What msgpack cannot say.
pub fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, String> {
    rmp_serde::to_vec_named(record).map_err(|e| e.to_string())
}

/// The record in `bytes`; fields that are not known are passed over.
///
/// # Errors
/// When it is too long, nests too deep or is not that record.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    if bytes.len() > LONGEST {
        return Err(format!("it has {} bytes, allowed: {LONGEST}", bytes.len()));
    }
    let mut reader = rmp_serde::Deserializer::from_read_ref(bytes);
    reader.set_max_depth(DEEPEST);
    T::deserialize(&mut reader).map_err(|e| e.to_string())
}

impl<'a> Array<'a> {
    /// A list of `float64` in these bytes, eight a number.
    #[must_use]
    pub fn doubles(data: &'a [u8]) -> Self {
        let mut shape = Shape::default();
        shape.push((data.len() / 8) as u64);
        Self {
            is_array: true,
            dtype: "float64",
            shape,
            data,
        }
    }

    /// Its numbers, when it is a list of so many.
    ///
    /// # Errors
    /// When it is another shape, or other than `float32` and `float64`.
    pub fn list(&self, length: usize) -> Result<Vec<f64>, String> {
        if !self.is_array || self.shape.sizes() != [length as u64] {
            let shape = self.shape.sizes();
            return Err(format!(
                "an array has the shape {shape:?}, wanted [{length}]"
            ));
        }
        let size = match self.dtype {
            "float32" => 4,
            "float64" => 8,
            other => {
                let other: String = other.chars().take(16).collect();
                return Err(format!(
                    "an array is of {other:?}, allowed: float32, float64"
                ));
            }
        };
        if length.checked_mul(size) != Some(self.data.len()) {
            let (dtype, got) = (self.dtype, self.data.len());
            return Err(format!("an array of {length} {dtype} has {got} bytes"));
        }
        let each = self.data.chunks_exact(size);
        let number = |bytes: &[u8]| match bytes.try_into() {
            Ok(eight) => Some(f64::from_le_bytes(eight)),
            Err(_) => Some(f32::from_le_bytes(bytes.try_into().ok()?).into()),
        };
        Ok(each.filter_map(number).collect())
    }
}

impl Shape {
    /// The sizes.
    #[must_use]
    pub fn sizes(&self) -> &[u64] {
        self.sizes.get(..self.dimensions).unwrap_or(&[])
    }

    /// Adds a dimension; false when there are too many.
    fn push(&mut self, size: u64) -> bool {
        let Some(place) = self.sizes.get_mut(self.dimensions) else {
            return false;
        };
        *place = size;
        self.dimensions += 1;
        true
    }
}

impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sizes().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Shape;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of sizes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shape, A::Error> {
                let mut shape = Shape::default();
                while let Some(size) = list.next_element()? {
                    if !shape.push(size) {
                        let most = format!("more than {MOST_DIMENSIONS} dimensions");
                        return Err(serde::de::Error::custom(most));
                    }
                }
                Ok(shape)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_physicalai() {
        let data = 0.5f64.to_le_bytes();
        let action = Action {
            action: Array::doubles(&data),
            goal_time: 0.25,
            ts: 2.0,
        };
        // By the msgpack specification: maps of 3 and 4, text, true, a list of one, binary, doubles.
        let mut expected = vec![0x83, 0xa6];
        expected.extend(
            b"action\x84\xa6__np__\xc3\xa5dtype\xa7float64\xa5shape\x91\x01\xa4data\xc4\x08",
        );
        expected.extend(data);
        expected.extend(b"\xa9goal_time\xcb\x3f\xd0\0\0\0\0\0\0\xa2ts\xcb\x40\0\0\0\0\0\0\0");
        let bytes = encode(&action).unwrap();
        assert_eq!(bytes, expected);
        assert_eq!(decode::<Action>(&bytes).unwrap(), action);
        for cut in 0..bytes.len() {
            assert!(decode::<Action>(&bytes[..cut]).is_err());
        }
    }

    #[test]
    fn arrays_say_what_is_wrong_with_them() {
        let data = [0; 8];
        let array = Array::doubles(&data);
        assert_eq!(array.list(1), Ok(vec![0.0]));
        assert!(array.list(2).unwrap_err().contains("wanted [2]"));
        let single = Array {
            dtype: "float32",
            ..array
        };
        assert!(single.list(1).unwrap_err().contains("8 bytes"));
        let ints = Array {
            dtype: "int64",
            ..array
        };
        assert!(ints.list(1).unwrap_err().contains("int64"));
        // Nested deeper than any record.
        let deep = [&[0x81, 0xa1, b'x'][..], &[0x91; 2000][..], &[0xc0][..]].concat();
        assert!(decode::<Metadata>(&deep).is_err());
    }
}
