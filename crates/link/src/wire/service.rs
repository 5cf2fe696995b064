//! Who owns an arm, what is asked of it, and how it stands.

use super::layout::{Problem, Reader, header};
use apprentice_safety::gate::Stop;
use apprentice_safety::{Denial, DenialCounts, Phase};

/// How an arm stands, published once a second and whenever its phase changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Number of the message.
    pub sequence: u64,
    /// When it was sent, nanoseconds on the robot's clock.
    pub stamp_ns: u64,
    /// Its phase.
    pub phase: Phase,
    /// Whether it was asked to stop, and who can lift that.
    pub stop: Stop,
    /// Stops that were asked for.
    pub stops: u64,
    /// Who owns it; 0 for nobody.
    pub owner: u32,
    /// Commands obeyed.
    pub accepted: u64,
    /// Messages refused, by reason.
    pub denials: DenialCounts,
}

/// Something that happened to an arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Number of the message.
    pub sequence: u64,
    /// When it was sent, nanoseconds on the robot's clock.
    pub stamp_ns: u64,
    /// Its phase since.
    pub phase: Phase,
    /// What happened, one line of text.
    pub what: String,
}

/// Longest text of an event, bytes.
const LONGEST_TEXT: usize = 256;

/// Who asks for a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The client that asks.
    pub client: u32,
    /// Stops it knows of, from the last status it got: only who knows of a stop can lift it by `enable`.
    pub stops: u64,
}

/// Bytes of a request for a service.
#[must_use]
pub fn encode_request(request: Request) -> Vec<u8> {
    let mut out = header(11);
    out.extend(request.client.to_le_bytes());
    out.extend(request.stops.to_le_bytes());
    out
}

/// The request in a message.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_request(bytes: &[u8]) -> Result<Request, Problem> {
    let mut r = Reader::new(bytes, 11)?;
    let (client, stops) = (r.u32()?, r.u64()?);
    r.end()?;
    Ok(Request { client, stops })
}

/// Bytes of the answer to a request that was granted.
#[must_use]
pub fn encode_granted(phase: Phase) -> Vec<u8> {
    let mut out = header(12);
    out.push(phase as u8);
    out
}

/// The phase in an answer.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_granted(bytes: &[u8]) -> Result<Phase, Problem> {
    let mut r = Reader::new(bytes, 12)?;
    let phase = phase(&mut r)?;
    r.end()?;
    Ok(phase)
}

fn phase(r: &mut Reader<'_>) -> Result<Phase, Problem> {
    Phase::from_number(r.u8()?).ok_or("it names a phase that this version does not know")
}

/// Bytes of a status.
#[must_use]
pub fn encode_status(status: &Status) -> Vec<u8> {
    let mut out = header(9);
    out.extend(status.sequence.to_le_bytes());
    out.extend(status.stamp_ns.to_le_bytes());
    out.push(status.phase as u8);
    out.push(status.stop as u8);
    out.extend(status.stops.to_le_bytes());
    out.extend(status.owner.to_le_bytes());
    out.extend(status.accepted.to_le_bytes());
    out.extend((Denial::ALL.len() as u16).to_le_bytes());
    status
        .denials
        .named()
        .for_each(|(_, count)| out.extend(count.to_le_bytes()));
    out
}

/// The status in a message.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_status(bytes: &[u8]) -> Result<Status, Problem> {
    let mut r = Reader::new(bytes, 9)?;
    let (sequence, stamp_ns) = (r.u64()?, r.u64()?);
    let phase = phase(&mut r)?;
    let stop = Stop::from_number(r.u8()?)
        .ok_or("it names a kind of stop that this version does not know")?;
    let stops = r.u64()?;
    let (owner, accepted) = (r.u32()?, r.u64()?);
    let reasons = r.count()?;
    if reasons != Denial::ALL.len() {
        return Err("it has another number of reasons than this version knows");
    }
    let counts = r.several(reasons, 8, Reader::u64)?;
    r.end()?;
    Ok(Status {
        sequence,
        stamp_ns,
        phase,
        stop,
        stops,
        owner,
        accepted,
        denials: DenialCounts::from_counts(&counts),
    })
}

/// Bytes of an event; a text that is too long is cut.
#[must_use]
pub fn encode_event(event: &Event) -> Vec<u8> {
    let mut end = event.what.len().min(LONGEST_TEXT);
    while !event.what.is_char_boundary(end) {
        end -= 1;
    }
    let text = event.what.get(..end).unwrap_or_default();
    let mut out = header(10);
    out.extend(event.sequence.to_le_bytes());
    out.extend(event.stamp_ns.to_le_bytes());
    out.push(event.phase as u8);
    out.extend((text.len() as u16).to_le_bytes());
    out.extend(text.as_bytes());
    out
}

/// The event in a message.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_event(bytes: &[u8]) -> Result<Event, Problem> {
    let mut r = Reader::new(bytes, 10)?;
    let (sequence, stamp_ns) = (r.u64()?, r.u64()?);
    let phase = phase(&mut r)?;
    let length = usize::from(r.u16()?);
    let text = r.rest();
    if text.len() != length || length > LONGEST_TEXT {
        return Err("its text is not as long as it says, or longer than 256 bytes");
    }
    let what = std::str::from_utf8(text).map_err(|_| "its text is not UTF-8")?;
    Ok(Event {
        sequence,
        stamp_ns,
        phase,
        what: what.into(),
    })
}
