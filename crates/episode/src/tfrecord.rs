//! TFRecord files: length, checksum of the length, bytes, checksum of the bytes.
//!
//! Format: <https://www.tensorflow.org/tutorials/load_data/tfrecord>. The checksums are CRC-32C
//! (Castagnoli, reflected polynomial 0x82F63B78), rotated by 15 and offset.

use std::io::{self, Read, Write};
use thiserror::Error;

/// A shard that does not hold what it should.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TfRecordError {
    /// The operating system refused.
    #[error("record {record} cannot be read: {source}")]
    Io {
        /// Number of the record, from 0.
        record: u64,
        /// Why not.
        source: io::Error,
    },
    /// The file ends inside a record.
    #[error("shard is cut off inside record {record}")]
    Truncated {
        /// Number of the record, from 0.
        record: u64,
    },
    /// A checksum does not match.
    #[error(
        "record {record} has a bad checksum of its {part} (stored {stored:08x}, computed {computed:08x})"
    )]
    Checksum {
        /// Number of the record, from 0.
        record: u64,
        /// `length` or `data`.
        part: &'static str,
        /// In the file.
        stored: u32,
        /// Of the bytes.
        computed: u32,
    },
}

/// The records of one shard, checked. Stops after the first error.
pub struct TfRecords<R> {
    from: R,
    record: u64,
    done: bool,
}

impl<R: Read> TfRecords<R> {
    /// Reads records from `from`, which should be buffered.
    pub fn new(from: R) -> Self {
        Self {
            from,
            record: 0,
            done: false,
        }
    }

    /// Up to `length` bytes; fewer only at the end of the file.
    fn take(&mut self, length: u64) -> Result<Vec<u8>, TfRecordError> {
        let mut bytes = Vec::new();
        let record = self.record;
        (&mut self.from)
            .take(length)
            .read_to_end(&mut bytes)
            .map_err(|source| TfRecordError::Io { record, source })?;
        Ok(bytes)
    }

    fn check(&self, part: &'static str, bytes: &[u8], stored: &[u8]) -> Result<(), TfRecordError> {
        let record = self.record;
        let stored = match stored.first_chunk::<4>() {
            Some(b) => u32::from_le_bytes(*b),
            None => return Err(TfRecordError::Truncated { record }),
        };
        let computed = masked_crc32c(bytes);
        if stored == computed {
            Ok(())
        } else {
            Err(TfRecordError::Checksum {
                record,
                part,
                stored,
                computed,
            })
        }
    }

    fn record(&mut self) -> Result<Option<Vec<u8>>, TfRecordError> {
        let head = self.take(12)?;
        if head.is_empty() {
            return Ok(None);
        }
        let truncated = TfRecordError::Truncated {
            record: self.record,
        };
        let Some((length, checksum)) = head.split_first_chunk::<8>() else {
            return Err(truncated);
        };
        self.check("length", length, checksum)?;
        let length = u64::from_le_bytes(*length);
        let data = self.take(length)?;
        if (data.len() as u64) < length {
            return Err(truncated);
        }
        let checksum = self.take(4)?;
        self.check("data", &data, &checksum)?;
        self.record += 1;
        Ok(Some(data))
    }
}

impl<R: Read> Iterator for TfRecords<R> {
    type Item = Result<Vec<u8>, TfRecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let record = self.record().transpose();
        self.done = !matches!(record, Some(Ok(_)));
        record
    }
}

/// Appends one record to `to`.
///
/// # Errors
/// When it cannot be written.
pub fn write_tfrecord(to: &mut impl Write, data: &[u8]) -> io::Result<()> {
    let length = (data.len() as u64).to_le_bytes();
    to.write_all(&length)?;
    to.write_all(&masked_crc32c(&length).to_le_bytes())?;
    to.write_all(data)?;
    to.write_all(&masked_crc32c(data).to_le_bytes())
}

fn masked_crc32c(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, &byte| {
        TABLE[((crc ^ u32::from(byte)) & 0xff) as usize] ^ (crc >> 8)
    })
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut crc = i as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard() -> Vec<u8> {
        let mut bytes = Vec::new();
        write_tfrecord(&mut bytes, b"first").unwrap();
        write_tfrecord(&mut bytes, b"").unwrap();
        bytes
    }

    #[test]
    fn known_checksums() {
        // RFC 3720, appendix B.4: 32 bytes of zeros, and 0 to 31.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        let rising: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&rising), 0x46dd_794e);
    }

    #[test]
    fn records_round_trip() {
        let records: Vec<_> = TfRecords::new(shard().as_slice())
            .map(Result::unwrap)
            .collect();
        assert_eq!(records, [b"first".to_vec(), Vec::new()]);
    }

    #[test]
    fn every_cut_inside_a_record_and_every_flip_is_an_error() {
        let bytes = shard();
        let first = 8 + 4 + 5 + 4;
        for length in 0..bytes.len() {
            let error = TfRecords::new(&bytes[..length]).find_map(Result::err);
            assert_eq!(error.is_none(), [0, first].contains(&length), "{length}");
        }
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert!(TfRecords::new(bad.as_slice()).any(|r| r.is_err()), "{at}");
        }
    }
}
