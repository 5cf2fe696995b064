//! Where an arm is, and where it should go.

use super::layout::{MOST_POINTS, Problem, Reader, header};
use apprentice_core::{JointCommand, RobotState};

/// Targets to come, at equal steps in time.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// Numbers of chunks and commands rise together: both replace what was sent before.
    pub sequence: u64,
    /// When it was sent, nanoseconds on the sender's clock.
    pub stamp_ns: u64,
    /// Time from one target to the next, nanoseconds; the first is due when the chunk arrives.
    pub period_ns: u32,
    /// Joints of the arm.
    pub joints: usize,
    /// The targets one after the other, each its joint positions, rad (or the joint's unit), then the opening,
    /// metres.
    pub numbers: Vec<f64>,
}

impl Chunk {
    /// How many targets it has.
    #[must_use]
    pub fn points(&self) -> usize {
        self.numbers.len() / (self.joints + 1)
    }

    /// Joint positions and opening of the target at `index`.
    #[must_use]
    pub fn point(&self, index: usize) -> Option<(&[f64], f64)> {
        let point = self.numbers.chunks_exact(self.joints + 1).nth(index)?;
        let (opening, positions) = point.split_last()?;
        Some((positions, *opening))
    }

    /// The target at `index` as a command.
    #[must_use]
    pub fn command(&self, index: usize) -> Option<JointCommand> {
        let (positions, gripper_width) = self.point(index)?;
        Some(JointCommand {
            sequence: self.sequence,
            stamp_ns: self.stamp_ns,
            positions: positions.to_vec(),
            gripper_width,
        })
    }
}

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
    let parts = match (&state.efforts, &state.external_wrench) {
        (None, None) => return out,
        (efforts, wrench) => u8::from(efforts.is_some()) + 2 * u8::from(wrench.is_some()),
    };
    out.push(parts);
    if let Some(efforts) = &state.efforts {
        out.extend((efforts.len() as u16).to_le_bytes());
        efforts.iter().for_each(|v| out.extend(v.to_le_bytes()));
    }
    if let Some(wrench) = &state.external_wrench {
        wrench.iter().for_each(|v| out.extend(v.to_le_bytes()));
    }
    out
}

/// The joint state in a message. Efforts and wrench are as they were sent: whether they fit the arm and are finite
/// is for the receiver to judge, who can do without them.
///
/// # Errors
/// When the bytes are not one, or another number than those is not finite.
pub fn decode_state(bytes: &[u8]) -> Result<RobotState, Problem> {
    let mut r = Reader::new(bytes, 1)?;
    let (sequence, stamp_ns) = (r.u64()?, r.u64()?);
    let joints = r.count()?;
    let (positions, velocities) = (r.numbers(joints)?, r.numbers(joints)?);
    let gripper_width = r.f64()?;
    let (efforts, external_wrench) = optional_parts(&mut r)?;
    r.end()?;
    Ok(RobotState {
        sequence,
        stamp_ns,
        positions,
        velocities,
        gripper_width,
        efforts,
        external_wrench,
    })
}

/// Efforts and external wrench of a state.
type OptionalParts = (Option<Vec<f64>>, Option<[f64; 6]>);

/// Efforts and wrench at the end of a state, where they are there.
fn optional_parts(r: &mut Reader<'_>) -> Result<OptionalParts, Problem> {
    if r.left() == 0 {
        return Ok((None, None));
    }
    let parts = r.u8()?;
    if !(1..=3).contains(&parts) {
        return Err("its optional parts are not known: neither efforts (1) nor wrench (2)");
    }
    let mut efforts = None;
    if parts & 1 != 0 {
        let count = r.count()?;
        efforts = Some(r.several(count, 8, Reader::any_f64)?);
    }
    let mut wrench = None;
    if parts & 2 != 0 {
        let mut six = [0.0; 6];
        for number in &mut six {
            *number = r.any_f64()?;
        }
        wrench = Some(six);
    }
    Ok((efforts, wrench))
}

/// Bytes of a joint command of the client that owns the arm.
#[must_use]
pub fn encode_command(client: u32, command: &JointCommand) -> Vec<u8> {
    let mut out = header(2);
    out.extend(client.to_le_bytes());
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

/// The client and the joint command in a message.
///
/// # Errors
/// When the bytes are not one, or a number is not finite.
pub fn decode_command(bytes: &[u8]) -> Result<(u32, JointCommand), Problem> {
    let mut r = Reader::new(bytes, 2)?;
    let client = r.u32()?;
    let (sequence, stamp_ns) = (r.u64()?, r.u64()?);
    let joints = r.count()?;
    let positions = r.numbers(joints)?;
    let gripper_width = r.f64()?;
    r.end()?;
    let command = JointCommand {
        sequence,
        stamp_ns,
        positions,
        gripper_width,
    };
    Ok((client, command))
}

/// Bytes of a chunk of the client that owns the arm; numbers that are no whole target are left out.
#[must_use]
pub fn encode_chunk(client: u32, chunk: &Chunk) -> Vec<u8> {
    let mut out = header(8);
    out.extend(client.to_le_bytes());
    out.extend(chunk.sequence.to_le_bytes());
    out.extend(chunk.stamp_ns.to_le_bytes());
    out.extend(chunk.period_ns.to_le_bytes());
    out.extend((chunk.points() as u16).to_le_bytes());
    out.extend((chunk.joints as u16).to_le_bytes());
    let numbers = chunk.numbers.chunks_exact(chunk.joints + 1).flatten();
    numbers.for_each(|v| out.extend(v.to_le_bytes()));
    out
}

/// The client and the chunk in a message.
///
/// # Errors
/// When the bytes are not one, or a number is not finite.
pub fn decode_chunk(bytes: &[u8]) -> Result<(u32, Chunk), Problem> {
    let mut r = Reader::new(bytes, 8)?;
    let client = r.u32()?;
    let (sequence, stamp_ns, period_ns) = (r.u64()?, r.u64()?, r.u32()?);
    let count = usize::from(r.u16()?);
    let joints = r.count()?;
    if count == 0 || count > MOST_POINTS {
        return Err("it has no points, or more than 256");
    }
    // Nothing is allocated before the bytes are known to be there.
    if r.left() != count * (joints + 1) * 8 {
        return Err("the number of bytes does not fit its points and joints");
    }
    let numbers = r.numbers(count * (joints + 1))?;
    r.end()?;
    let chunk = Chunk {
        sequence,
        stamp_ns,
        period_ns,
        joints,
        numbers,
    };
    Ok((client, chunk))
}
