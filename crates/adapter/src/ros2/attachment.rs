//! What rmw_zenoh sends beside each message: a number, a time and who sent it.
//!
//! A ROS process that cannot read one ends (rmw_zenoh throws where zenoh calls it), so that ours are always
//! whole.

/// Bytes of ours, and of rmw_zenoh since 0.2.4.
pub const LENGTH: usize = 33;
/// Bytes with the fields' names in them: rmw_zenoh 0.2.0 to 0.2.3.
pub const LENGTH_WITH_NAMES: usize = 77;

/// What stands beside a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Counts up by one a message of this sender.
    pub sequence: i64,
    /// The sender's clock, nanoseconds since 1970.
    pub stamp_ns: i64,
    /// The sender.
    pub gid: [u8; 16],
}

impl Attachment {
    /// Its bytes: zenoh's serialisation of the three.
    #[must_use]
    pub fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let numbers = self.sequence.to_le_bytes().into_iter();
        let all = numbers
            .chain(self.stamp_ns.to_le_bytes())
            .chain([16])
            .chain(self.gid);
        bytes.iter_mut().zip(all).for_each(|(to, byte)| *to = byte);
        bytes
    }

    /// What the bytes say, in either form; `None` when they are neither.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        match bytes.len() {
            LENGTH => {}
            LENGTH_WITH_NAMES => {
                let sequence = number(field(&mut rest, b"sequence_number")?)?;
                let stamp_ns = number(field(&mut rest, b"source_timestamp")?)?;
                let gid = last(field(&mut rest, b"source_gid")?)?;
                return Some(Self {
                    sequence,
                    stamp_ns,
                    gid,
                });
            }
            _ => return None,
        }
        let (sequence, rest) = rest.split_at_checked(8)?;
        let (stamp, gid) = rest.split_at_checked(8)?;
        Some(Self {
            sequence: i64::from_le_bytes(sequence.try_into().ok()?),
            stamp_ns: i64::from_le_bytes(stamp.try_into().ok()?),
            gid: last(gid)?,
        })
    }
}

/// What stands behind a name and its length.
fn field<'a>(rest: &mut &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (&length, after) = rest.split_first()?;
    let after = (usize::from(length) == name.len())
        .then(|| after.strip_prefix(name))
        .flatten()?;
    let taken = if name == b"source_gid" { 17 } else { 8 };
    let (value, tail) = after.split_at_checked(taken)?;
    *rest = tail;
    Some(value)
}

fn number(bytes: &[u8]) -> Option<i64> {
    Some(i64::from_le_bytes(bytes.try_into().ok()?))
}

/// Sixteen bytes behind their length, and nothing more.
fn last(bytes: &[u8]) -> Option<[u8; 16]> {
    bytes.strip_prefix(&[16])?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: Attachment = Attachment {
        sequence: 5,
        stamp_ns: 1_700_000_000_123_456_789,
        gid: *b"0123456789abcdef",
    };

    #[test]
    fn ours_is_what_zenoh_serialises() {
        let zenoh =
            zenoh_ext::z_serialize(&(EXAMPLE.sequence, EXAMPLE.stamp_ns, EXAMPLE.gid.to_vec()));
        assert_eq!(EXAMPLE.encode()[..], zenoh.to_bytes()[..]);
        assert_eq!(Attachment::decode(&EXAMPLE.encode()), Some(EXAMPLE));
    }

    #[test]
    fn the_older_form_is_read_too() {
        let mut old = zenoh_ext::ZSerializer::new();
        old.serialize("sequence_number");
        old.serialize(EXAMPLE.sequence);
        old.serialize("source_timestamp");
        old.serialize(EXAMPLE.stamp_ns);
        old.serialize("source_gid");
        old.serialize(EXAMPLE.gid.to_vec());
        let old = old.finish().to_bytes().to_vec();
        assert_eq!(old.len(), LENGTH_WITH_NAMES);
        assert_eq!(Attachment::decode(&old), Some(EXAMPLE));
        for at in [0, 1, 24, 60] {
            let mut bad = old.clone();
            bad[at] ^= 1;
            assert!(Attachment::decode(&bad).is_none(), "byte {at}");
        }
        assert!(Attachment::decode(&old[1..]).is_none());
        assert!(Attachment::decode(&[]).is_none());
        let mut bad = EXAMPLE.encode();
        bad[16] = 15;
        assert!(Attachment::decode(&bad).is_none());
    }
}
