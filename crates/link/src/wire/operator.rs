//! People at the controls: demonstrations, and taking over.

use super::layout::{Problem, Reader, header};
use apprentice_safety::{ControlAuthority, TeleopMessage};

/// What an operator's device says while it may take over.
#[derive(Clone, Debug, PartialEq)]
pub struct Takeover {
    /// Who says it, and whether the person holds the arm.
    pub teleop: TeleopMessage,
    /// When it was sent, nanoseconds on the sender's clock.
    pub stamp_ns: u64,
    /// The action the person wants carried out, absolute, in the robot's numbers; empty: stay.
    pub action: Vec<f32>,
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
    let count = r.count()?;
    let action = r.singles(count)?;
    r.end()?;
    Ok(action)
}

/// Bytes of a takeover message.
#[must_use]
pub fn encode_takeover(takeover: &Takeover) -> Vec<u8> {
    let teleop = takeover.teleop;
    let mut out = header(14);
    out.extend(teleop.client.to_le_bytes());
    out.extend(teleop.sequence.to_le_bytes());
    out.extend(takeover.stamp_ns.to_le_bytes());
    out.push(u8::from(teleop.deadman) | u8::from(teleop.hand_back) << 1);
    out.extend((takeover.action.len() as u16).to_le_bytes());
    takeover
        .action
        .iter()
        .for_each(|&v| out.extend(f64::from(v).to_le_bytes()));
    out
}

/// The takeover message in bytes.
///
/// # Errors
/// When the bytes are not one, or a number is not finite or too large for 32 bits.
pub fn decode_takeover(bytes: &[u8]) -> Result<Takeover, Problem> {
    let mut r = Reader::new(bytes, 14)?;
    let client = r.u32()?;
    let (sequence, stamp_ns) = (r.u64()?, r.u64()?);
    let flags = r.u8()?;
    if flags > 3 {
        return Err("it has flags that this version does not know");
    }
    let count = r.count()?;
    let action = r.singles(count)?;
    r.end()?;
    Ok(Takeover {
        teleop: TeleopMessage {
            client,
            sequence,
            deadman: flags & 1 != 0,
            hand_back: flags & 2 != 0,
        },
        stamp_ns,
        action,
    })
}

/// Who decides for the arm, as the runtime that drives it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthorityStatus {
    /// Number of the message.
    pub sequence: u64,
    /// When it was sent, nanoseconds on the runtime's clock.
    pub stamp_ns: u64,
    /// Who decides.
    pub authority: ControlAuthority,
    /// The operator's device that has the arm, or that let go of it and alone may hand it back; 0 where none
    /// does.
    pub device: u32,
}

/// Bytes of a message that says who decides.
#[must_use]
pub fn encode_authority_status(status: &AuthorityStatus) -> Vec<u8> {
    let mut out = header(15);
    out.extend(status.sequence.to_le_bytes());
    out.extend(status.stamp_ns.to_le_bytes());
    out.push(match status.authority {
        ControlAuthority::Policy => 0,
        ControlAuthority::Human => 1,
        ControlAuthority::Nobody => 2,
    });
    out.extend(status.device.to_le_bytes());
    out
}

/// Who decides, from a message.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_authority_status(bytes: &[u8]) -> Result<AuthorityStatus, Problem> {
    let mut r = Reader::new(bytes, 15)?;
    let (sequence, stamp_ns) = (r.u64()?, r.u64()?);
    let authority = match r.u8()? {
        0 => ControlAuthority::Policy,
        1 => ControlAuthority::Human,
        2 => ControlAuthority::Nobody,
        _ => return Err("it names somebody that this version does not know"),
    };
    let device = r.u32()?;
    r.end()?;
    Ok(AuthorityStatus {
        sequence,
        stamp_ns,
        authority,
        device,
    })
}
