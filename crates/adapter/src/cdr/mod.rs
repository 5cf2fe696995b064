//! ROS 2 messages as bytes: CDR (OMG CORBA 3.4, 9.3; XCDR1) behind four bytes that say so.
//!
//! What comes from the wire is read into types that take no more memory than their bytes: names and points
//! lie packed, pictures are borrowed. A length that lies is found out by running out of bytes, not by
//! allocating what it says.

mod action;
mod messages;
mod packed;
mod trajectory;

pub use action::{
    CancelRequest, CancelResponse, Feedback, GetResultRequest, GetResultResponse, GoalInfo,
    SendGoalRequest, SendGoalResponse,
};
pub use messages::{
    CompressedImage, Dimension, Duration, Float64, Float64MultiArray, Header, JointJog, JointState,
    Layout, RawImage, Time, TriggerRequest, TriggerResponse, Twist, TwistStamped, Vector3,
};
pub use packed::{Dimensions, Names, Numbers};
pub use trajectory::{JointTrajectory, Points, TrajectoryPoint};

use byteorder::{BigEndian, LittleEndian};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Says that little-endian CDR follows.
const LITTLE: [u8; 4] = [0, 1, 0, 0];

/// Bytes that are not the message they should be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CdrError {
    /// Not plain CDR.
    #[error(
        "it begins with {got:02x?}; plain CDR begins with 00 00 (big endian) or 00 01 (little endian), then two more bytes"
    )]
    Encapsulation {
        /// What is there instead.
        got: Vec<u8>,
    },
    /// The bytes do not fit the type.
    #[error("{bytes} bytes are not a {what}: {reason}")]
    Layout {
        /// Which message was expected.
        what: &'static str,
        /// How many there are.
        bytes: usize,
        /// What is wrong.
        reason: String,
    },
}

/// The message as little-endian CDR, with its four bytes in front.
///
/// # Errors
/// When a list is longer than CDR can say.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, CdrError> {
    let mut bytes = LITTLE.to_vec();
    // Alignment counts from behind the four bytes, so that the body is written on its own.
    cdr_encoding::to_writer::<T, LittleEndian, _>(&mut bytes, message)
        .map_err(|e| layout::<T>(bytes.len(), &e))?;
    Ok(bytes)
}

/// The message in `bytes`. Bytes behind it are left alone: some writers pad.
///
/// # Errors
/// When the bytes are not plain CDR, or not this message.
pub fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, CdrError> {
    let Some((head, body)) = bytes.split_at_checked(4) else {
        return Err(CdrError::Encapsulation { got: bytes.into() });
    };
    let read = match head {
        [0, 0, ..] => cdr_encoding::from_bytes::<T, BigEndian>(body),
        [0, 1, ..] => cdr_encoding::from_bytes::<T, LittleEndian>(body),
        _ => return Err(CdrError::Encapsulation { got: head.into() }),
    };
    read.map(|(message, _)| message)
        .map_err(|e| layout::<T>(bytes.len(), &e))
}

fn layout<T>(bytes: usize, error: &cdr_encoding::Error) -> CdrError {
    let path = std::any::type_name::<T>();
    let path = path.split('<').next().unwrap_or(path);
    CdrError::Layout {
        what: path.rsplit("::").next().unwrap_or(path),
        bytes,
        reason: error.to_string(),
    }
}
