//! A robot whose time passes only when asked for, and scenes that are set up on request.

use super::layout::{Problem, Reader, header};

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

/// Bytes of a reset request by a client.
#[must_use]
pub fn encode_reset(client: u32, seed: u64) -> Vec<u8> {
    let mut out = header(5);
    out.extend(client.to_le_bytes());
    out.extend(seed.to_le_bytes());
    out
}

/// Client and seed in a reset request.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_reset(bytes: &[u8]) -> Result<(u32, u64), Problem> {
    let mut r = Reader::new(bytes, 5)?;
    let asked = (r.u32()?, r.u64()?);
    r.end()?;
    Ok(asked)
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
    let cameras = r.count()?;
    let frame_sequences = r.several(cameras, 8, Reader::u64)?;
    r.end()?;
    Ok(TickReply {
        state_sequence,
        frame_sequences,
    })
}
