//! How messages are laid out: fixed, little-endian, versioned. See `robots/PROTOCOL.md`.

use apprentice_core::{CameraFrame, Image, JointCommand, RobotState};

const MAGIC: [u8; 4] = *b"APRT";
/// Version of the layout.
pub const VERSION: u16 = 1;
/// Most joints a message may have.
pub const MOST_JOINTS: usize = 64;
/// Most pixels a frame may have.
pub const MOST_PIXELS: usize = 4096 * 4096;

/// What is asked of a robot's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdvanceRequest {
    /// How long to go on, nanoseconds.
    pub duration_ns: u64,
    /// The newest command sent before.
    pub command_sequence: u64,
    /// Whether the cameras should look afterwards.
    pub want_frames: bool,
}

/// What a robot published in answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickReply {
    /// Sequence of the state that was published.
    pub state_sequence: u64,
    /// Sequence of each camera's frame; empty when none was asked for.
    pub frame_sequences: Vec<u64>,
}

/// What is wrong with a message.
pub type Problem = &'static str;

const NOT_FINITE: Problem = "a number in it is not finite";

/// Bytes of a joint state.
#[must_use]
pub fn encode_state(state: &RobotState) -> Vec<u8> {
    let mut out = header(1);
    out.extend(state.sequence.to_le_bytes());
    out.extend(state.stamp_ns.to_le_bytes());
    out.extend((state.positions.len() as u16).to_le_bytes());
    let velocities = state
        .velocities
        .iter()
        .copied()
        .chain(std::iter::repeat(0.0));
    let numbers = state
        .positions
        .iter()
        .copied()
        .chain(velocities.take(state.positions.len()));
    numbers.for_each(|v| out.extend(v.to_le_bytes()));
    out.extend(state.gripper_width.to_le_bytes());
    out
}

/// The joint state in a message.
///
/// # Errors
/// When the bytes are not one, or a number is not finite.
pub fn decode_state(bytes: &[u8]) -> Result<RobotState, Problem> {
    let mut r = Reader::new(bytes, 1)?;
    let (sequence, stamp_ns) = (r.u64()?, r.u64()?);
    let joints = r.joints()?;
    let (positions, velocities) = (r.numbers(joints)?, r.numbers(joints)?);
    let gripper_width = r.f64()?;
    r.end()?;
    Ok(RobotState {
        sequence,
        stamp_ns,
        positions,
        velocities,
        gripper_width,
    })
}

/// Bytes of a joint command.
#[must_use]
pub fn encode_command(command: &JointCommand) -> Vec<u8> {
    let mut out = header(2);
    out.extend(command.sequence.to_le_bytes());
    out.extend(command.stamp_ns.to_le_bytes());
    out.extend((command.positions.len() as u16).to_le_bytes());
    command
        .positions
        .iter()
        .for_each(|v| out.extend(v.to_le_bytes()));
    out.extend(command.gripper_width.to_le_bytes());
    out
}

/// The joint command in a message.
///
/// # Errors
/// When the bytes are not one, or a number is not finite.
pub fn decode_command(bytes: &[u8]) -> Result<JointCommand, Problem> {
    let mut r = Reader::new(bytes, 2)?;
    let (sequence, stamp_ns) = (r.u64()?, r.u64()?);
    let joints = r.joints()?;
    let positions = r.numbers(joints)?;
    let gripper_width = r.f64()?;
    r.end()?;
    Ok(JointCommand {
        sequence,
        stamp_ns,
        positions,
        gripper_width,
    })
}

/// Length of a message with a frame of so many pixels, bytes.
#[must_use]
pub fn frame_bytes(width: u32, height: u32) -> usize {
    let pixels = (width as usize).saturating_mul(height as usize);
    pixels.saturating_mul(3).saturating_add(28)
}

/// Bytes of a camera frame.
#[must_use]
pub fn encode_frame(frame: &CameraFrame) -> Vec<u8> {
    let mut out = header(3);
    out.extend(frame.sequence.to_le_bytes());
    out.extend(frame.stamp_ns.to_le_bytes());
    out.extend((frame.image.width() as u16).to_le_bytes());
    out.extend((frame.image.height() as u16).to_le_bytes());
    out.extend_from_slice(frame.image.rgb());
    out
}

/// The camera frame in a message.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_frame(bytes: &[u8]) -> Result<CameraFrame, Problem> {
    let mut r = Reader::new(bytes, 3)?;
    let (sequence, stamp_ns) = (r.u64()?, r.u64()?);
    let (width, height) = (r.u16()?, r.u16()?);
    let pixels = usize::from(width) * usize::from(height);
    if pixels == 0 || pixels > MOST_PIXELS {
        return Err("the picture has no pixels, or more than 4096 x 4096");
    }
    // Nothing is copied before it is known to be a picture.
    let misfit = "the number of bytes does not fit the picture's size";
    let rgb = r.rest();
    if rgb.len() != pixels * 3 {
        return Err(misfit);
    }
    let image = Image::new(width.into(), height.into(), rgb.to_vec()).map_err(|_| misfit)?;
    Ok(CameraFrame {
        sequence,
        stamp_ns,
        image,
    })
}

/// Bytes of a clock request.
#[must_use]
pub fn encode_advance(request: &AdvanceRequest) -> Vec<u8> {
    let mut out = header(4);
    out.extend(request.duration_ns.to_le_bytes());
    out.extend(request.command_sequence.to_le_bytes());
    out.push(u8::from(request.want_frames));
    out
}

/// The clock request in a message.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_advance(bytes: &[u8]) -> Result<AdvanceRequest, Problem> {
    let mut r = Reader::new(bytes, 4)?;
    let request = AdvanceRequest {
        duration_ns: r.u64()?,
        command_sequence: r.u64()?,
        want_frames: r.u8()? != 0,
    };
    r.end()?;
    Ok(request)
}

/// Bytes of a reset request.
#[must_use]
pub fn encode_reset(seed: u64) -> Vec<u8> {
    let mut out = header(5);
    out.extend(seed.to_le_bytes());
    out
}

/// The seed in a reset request.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_reset(bytes: &[u8]) -> Result<u64, Problem> {
    let mut r = Reader::new(bytes, 5)?;
    let seed = r.u64()?;
    r.end()?;
    Ok(seed)
}

/// Bytes of the answer to a clock or reset request.
#[must_use]
pub fn encode_reply(reply: &TickReply) -> Vec<u8> {
    let mut out = header(6);
    out.extend(reply.state_sequence.to_le_bytes());
    out.extend((reply.frame_sequences.len() as u16).to_le_bytes());
    reply
        .frame_sequences
        .iter()
        .for_each(|v| out.extend(v.to_le_bytes()));
    out
}

/// The answer in a message.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_reply(bytes: &[u8]) -> Result<TickReply, Problem> {
    let mut r = Reader::new(bytes, 6)?;
    let state_sequence = r.u64()?;
    let cameras = r.joints()?;
    let frame_sequences = (0..cameras).map(|_| r.u64()).collect::<Result<_, _>>()?;
    r.end()?;
    Ok(TickReply {
        state_sequence,
        frame_sequences,
    })
}

/// Bytes of an action.
#[must_use]
pub fn encode_action(action: &[f32]) -> Vec<u8> {
    let mut out = header(7);
    out.extend((action.len() as u16).to_le_bytes());
    action
        .iter()
        .for_each(|&v| out.extend(f64::from(v).to_le_bytes()));
    out
}

/// The action in a message.
///
/// # Errors
/// When the bytes are not one, or a number is not finite or too large for 32 bits.
pub fn decode_action(bytes: &[u8]) -> Result<Vec<f32>, Problem> {
    let mut r = Reader::new(bytes, 7)?;
    let numbers = r.joints()?;
    let action = (0..numbers)
        .map(|_| r.f64().map(|v| v as f32))
        .collect::<Result<Vec<f32>, _>>()?;
    r.end()?;
    if action.iter().any(|v| !v.is_finite()) {
        return Err(NOT_FINITE);
    }
    Ok(action)
}

fn header(kind: u16) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend(MAGIC);
    out.extend(VERSION.to_le_bytes());
    out.extend(kind.to_le_bytes());
    out
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], kind: u16) -> Result<Self, Problem> {
        let mut r = Self { bytes };
        if r.take::<4>()? != MAGIC {
            return Err("it does not begin with APRT");
        }
        if r.u16()? != VERSION {
            return Err("it has another protocol version");
        }
        if r.u16()? != kind {
            return Err("it is another kind of message");
        }
        Ok(r)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let (head, rest) = self.bytes.split_first_chunk::<N>().ok_or("it is cut off")?;
        self.bytes = rest;
        Ok(*head)
    }

    fn u8(&mut self) -> Result<u8, Problem> {
        self.take::<1>().map(|b| b[0])
    }

    fn u16(&mut self) -> Result<u16, Problem> {
        self.take().map(u16::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Problem> {
        self.take().map(u64::from_le_bytes)
    }

    fn f64(&mut self) -> Result<f64, Problem> {
        let number = self.take().map(f64::from_le_bytes)?;
        if number.is_finite() {
            Ok(number)
        } else {
            Err(NOT_FINITE)
        }
    }

    fn joints(&mut self) -> Result<usize, Problem> {
        let count = usize::from(self.u16()?);
        if count > MOST_JOINTS {
            Err("it has more than 64 joints, cameras or numbers")
        } else {
            Ok(count)
        }
    }

    fn numbers(&mut self, count: usize) -> Result<Vec<f64>, Problem> {
        (0..count).map(|_| self.f64()).collect()
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.bytes)
    }

    fn end(&self) -> Result<(), Problem> {
        if self.bytes.is_empty() {
            Ok(())
        } else {
            Err("it is longer than it should be")
        }
    }
}

#[cfg(test)]
mod tests;
