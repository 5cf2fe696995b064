//! Messages of ROS 2's interface packages, field for field.

use super::packed::{Dimensions, Names, Numbers};
use serde::{Deserialize, Serialize};

/// `builtin_interfaces/Time`: since the epoch of the sender's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time {
    /// Seconds.
    pub sec: i32,
    /// And nanoseconds.
    pub nanosec: u32,
}

impl Time {
    /// From nanoseconds; the last second there is when they are too many.
    #[must_use]
    pub fn from_ns(ns: u64) -> Self {
        Self {
            sec: i32::try_from(ns / 1_000_000_000).unwrap_or(i32::MAX),
            nanosec: (ns % 1_000_000_000) as u32,
        }
    }

    /// In nanoseconds; times before the epoch are 0.
    #[must_use]
    pub fn as_ns(self) -> u64 {
        let seconds = u64::try_from(self.sec).unwrap_or(0);
        seconds * 1_000_000_000 + u64::from(self.nanosec)
    }
}

/// `builtin_interfaces/Duration`.
pub type Duration = Time;

/// `std_msgs/Header`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// When what is said was so.
    pub stamp: Time,
    /// In which frame it is said.
    pub frame_id: String,
}

/// `sensor_msgs/JointState`: lists are as long as `name`, or empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JointState {
    /// When they were measured.
    pub header: Header,
    /// Which joints.
    pub name: Names,
    /// rad or m.
    pub position: Numbers,
    /// rad/s or m/s.
    pub velocity: Numbers,
    /// N m or N.
    pub effort: Numbers,
}

/// `std_msgs/Float64`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Float64 {
    /// The number.
    pub data: f64,
}

/// One dimension of an array, to write.
pub type Dimension<'a> = (&'a str, [u32; 2]);

/// `std_msgs/MultiArrayLayout`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// The dimensions, outermost first.
    pub dim: Dimensions,
    /// Numbers before the array.
    pub data_offset: u32,
}

impl Layout {
    /// A layout of these dimensions.
    #[must_use]
    pub fn new(dimensions: &[Dimension], data_offset: u32) -> Self {
        let dim = Dimensions {
            labels: dimensions.iter().map(|d| d.0).collect(),
            sizes: dimensions.iter().map(|d| d.1).collect(),
        };
        Self { dim, data_offset }
    }
}

/// `std_msgs/Float64MultiArray`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Float64MultiArray {
    /// How the numbers are to be read; controllers take an empty one.
    pub layout: Layout,
    /// The numbers.
    pub data: Numbers,
}

/// `geometry_msgs/Vector3`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vector3 {
    /// Along x.
    pub x: f64,
    /// Along y.
    pub y: f64,
    /// Along z.
    pub z: f64,
}

/// `geometry_msgs/Twist`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Twist {
    /// m/s.
    pub linear: Vector3,
    /// rad/s.
    pub angular: Vector3,
}

/// `geometry_msgs/TwistStamped`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TwistStamped {
    /// When, and in which frame.
    pub header: Header,
    /// How fast.
    pub twist: Twist,
}

/// `control_msgs/JointJog`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JointJog {
    /// When.
    pub header: Header,
    /// Which joints.
    pub joint_names: Names,
    /// How far, rad or m; may be empty.
    pub displacements: Numbers,
    /// How fast, rad/s or m/s.
    pub velocities: Numbers,
    /// For how long, s.
    pub duration: f64,
}

/// `sensor_msgs/Image`, its pixels where they came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawImage<'a> {
    /// When the shutter was open, and the optical frame.
    pub header: Header,
    /// Rows.
    pub height: u32,
    /// Pixels of a row.
    pub width: u32,
    /// What a pixel's bytes mean.
    pub encoding: String,
    /// Not 0 when numbers of more than a byte have the big end first.
    pub is_bigendian: u8,
    /// Bytes from one row to the next.
    pub step: u32,
    /// `step * height` bytes.
    #[serde(borrow, with = "bytes")]
    pub data: &'a [u8],
}

/// `sensor_msgs/CompressedImage`, its bytes where they came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompressedImage<'a> {
    /// When the shutter was open, and the optical frame.
    pub header: Header,
    /// What the sender says it is.
    pub format: String,
    /// A JPEG or PNG file.
    #[serde(borrow, with = "bytes")]
    pub data: &'a [u8],
}

/// `std_srvs/srv/Trigger`: what is asked. ROS gives what has no fields one byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerRequest {
    /// Says nothing.
    pub structure_needs_at_least_one_member: u8,
}

/// `std_srvs/srv/Trigger`: what is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerResponse {
    /// Whether it was done.
    pub success: bool,
    /// What there is to say.
    pub message: String,
}

/// Bytes as one piece, rather than one after the other.
mod bytes {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de [u8], D::Error> {
        <&[u8]>::deserialize(deserializer)
    }
}
