//! One order for the summary's schemas and channels.
//!
//! The MCAP writer repeats them at the end of the file in the order of a randomly keyed map, so two
//! recordings of the same ticks would differ. Records of one kind lie in one run, so sorting within
//! the runs moves no offset; only the checksum has to be made again. Layout:
//! <https://mcap.dev/spec>.

use std::io::{self, Read, Seek, SeekFrom, Write};

const FOOTER: u8 = 0x02;
const SCHEMA: u8 = 0x03;
const CHANNEL: u8 = 0x04;
/// Opcode and length of a record.
const RECORD_HEAD: usize = 9;
/// Footer: summary start, summary offset start, checksum.
const FOOTER_BODY: usize = 20;
const MAGIC: usize = 8;

/// Sorts the schemas and the channels in the summary of a finished file by their bytes, which
/// begin with their number.
pub(crate) fn sort(file: &mut (impl Read + Write + Seek)) -> io::Result<()> {
    let tail = (RECORD_HEAD + FOOTER_BODY + MAGIC) as u64;
    let end = file.seek(SeekFrom::End(0))?;
    let footer_at = end.checked_sub(tail).ok_or_else(malformed)?;
    file.seek(SeekFrom::Start(footer_at + RECORD_HEAD as u64))?;
    let mut start = [0; 8];
    file.read_exact(&mut start)?;
    let start = u64::from_le_bytes(start);
    if start == 0 || start > footer_at {
        return Err(malformed());
    }
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(end - start).read_to_end(&mut bytes)?;
    let sorted = sorted(&bytes).ok_or_else(malformed)?;
    file.seek(SeekFrom::Start(start))?;
    file.write_all(&sorted)
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "MCAP summary is malformed")
}

/// The summary, footer and magic in `bytes`, sorted and with a fresh checksum.
fn sorted(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut records: Vec<&[u8]> = Vec::new();
    let mut rest = bytes;
    loop {
        let (&opcode, after) = rest.split_first()?;
        let length = usize::try_from(u64::from_le_bytes(*after.first_chunk()?)).ok()?;
        let (record, next) = rest.split_at_checked(RECORD_HEAD.checked_add(length)?)?;
        records.push(record);
        rest = next;
        if opcode == FOOTER {
            break;
        }
    }
    for kind in [SCHEMA, CHANNEL] {
        let first = records.iter().position(|r| r.first() == Some(&kind));
        if let Some(first) = first {
            let run = records.get_mut(first..)?;
            let length = run.iter().take_while(|r| r.first() == Some(&kind)).count();
            // The number follows the head, little-endian.
            run.get_mut(..length)?
                .sort_by_key(|r| r.get(RECORD_HEAD..RECORD_HEAD + 2).map(|n| [n[1], n[0]]));
        }
    }
    let mut out = records.concat();
    let checked = out.len().checked_sub(4)?;
    let checksum = crc32fast::hash(out.get(..checked)?);
    out.truncate(checked);
    out.extend(checksum.to_le_bytes());
    out.extend(rest);
    Some(out)
}
