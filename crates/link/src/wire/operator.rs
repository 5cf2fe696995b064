//! People at the controls: demonstrations, and taking over.

use super::{Problem, Reader, header};
use apprentice_safety::{Authority, Grip};

/// What an operator's device says while it may take over.
#[derive(Clone, Debug, PartialEq)]
pub struct Takeover {
    /// Who says it, and whether the person holds the arm.
    pub grip: Grip,
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
    let grip = takeover.grip;
    let mut out = header(14);
    out.extend(grip.client.to_le_bytes());
    out.extend(grip.sequence.to_le_bytes());
    out.extend(takeover.stamp_ns.to_le_bytes());
    out.push(u8::from(grip.deadman) | u8::from(grip.hand_back) << 1);
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
        grip: Grip {
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
pub struct Decider {
    /// Number of the message.
    pub sequence: u64,
    /// When it was sent, nanoseconds on the runtime's clock.
    pub stamp_ns: u64,
    /// Who decides.
    pub authority: Authority,
    /// The operator's device that has the arm, or that let go of it and alone may hand it back; 0 where none
    /// does.
    pub device: u32,
}

/// Bytes of a message that says who decides.
#[must_use]
pub fn encode_decider(decider: &Decider) -> Vec<u8> {
    let mut out = header(15);
    out.extend(decider.sequence.to_le_bytes());
    out.extend(decider.stamp_ns.to_le_bytes());
    out.push(match decider.authority {
        Authority::Policy => 0,
        Authority::Human => 1,
        Authority::Nobody => 2,
    });
    out.extend(decider.device.to_le_bytes());
    out
}

/// Who decides, from a message.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_decider(bytes: &[u8]) -> Result<Decider, Problem> {
    let mut r = Reader::new(bytes, 15)?;
    let (sequence, stamp_ns) = (r.u64()?, r.u64()?);
    let authority = match r.u8()? {
        0 => Authority::Policy,
        1 => Authority::Human,
        2 => Authority::Nobody,
        _ => return Err("it names somebody that this version does not know"),
    };
    let device = r.u32()?;
    r.end()?;
    Ok(Decider {
        sequence,
        stamp_ns,
        authority,
        device,
    })
}
