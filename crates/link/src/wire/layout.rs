//! What all messages have in common: header, limits, and reading numbers.

const MAGIC: [u8; 4] = *b"APRT";
/// Version of the layout.
pub const VERSION: u16 = 3;
/// Most joints, cameras or numbers of an action a message may have.
pub const MOST_JOINTS: usize = 64;
/// Most targets a chunk may have.
pub const MOST_POINTS: usize = 256;
/// Most pixels a frame may have.
pub const MOST_PIXELS: usize = 4096 * 4096;

/// What is wrong with a message.
pub type Problem = &'static str;

pub(super) const NOT_FINITE: Problem = "a number in it is not finite";

/// The beginning of a message of this kind.
pub(super) fn header(kind: u16) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend(MAGIC);
    out.extend(VERSION.to_le_bytes());
    out.extend(kind.to_le_bytes());
    out
}

/// Reads what is in a message, from its beginning.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], kind: u16) -> Result<Self, Problem> {
        let mut r = Self { bytes };
        if r.take::<4>()? != MAGIC {
            return Err("it does not begin with APRT");
        }
        if r.u16()? != VERSION {
            return Err("its protocol version is another, allowed: 3");
        }
        if r.u16()? != kind {
            return Err("it is another kind of message");
        }
        Ok(r)
    }

    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let (head, rest) = self.bytes.split_first_chunk::<N>().ok_or("it is cut off")?;
        self.bytes = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Problem> {
        self.take::<1>().map(|b| b[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, Problem> {
        self.take().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Problem> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Problem> {
        self.take().map(u64::from_le_bytes)
    }

    /// A number, finite or not.
    pub(super) fn any_f64(&mut self) -> Result<f64, Problem> {
        self.take().map(f64::from_le_bytes)
    }

    pub(super) fn f64(&mut self) -> Result<f64, Problem> {
        let number = self.any_f64()?;
        if number.is_finite() {
            Ok(number)
        } else {
            Err(NOT_FINITE)
        }
    }

    /// Joints, cameras or numbers to come.
    pub(super) fn count(&mut self) -> Result<usize, Problem> {
        let count = usize::from(self.u16()?);
        if count > MOST_JOINTS {
            Err("it has more than 64 joints, cameras or numbers")
        } else {
            Ok(count)
        }
    }

    pub(super) fn numbers(&mut self, count: usize) -> Result<Vec<f64>, Problem> {
        self.several(count, 8, Self::f64)
    }

    /// So many values of so many bytes each. Nothing is allocated before the bytes are known to be there.
    pub(super) fn several<T>(
        &mut self,
        count: usize,
        bytes: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, Problem>,
    ) -> Result<Vec<T>, Problem> {
        if self.left() < count.saturating_mul(bytes) {
            return Err("it is cut off");
        }
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            values.push(read(self)?);
        }
        Ok(values)
    }

    /// So many numbers, as 32-bit ones.
    pub(super) fn singles(&mut self, count: usize) -> Result<Vec<f32>, Problem> {
        let single = |r: &mut Self| {
            let number = r.f64()? as f32;
            if number.is_finite() {
                Ok(number)
            } else {
                Err(NOT_FINITE)
            }
        };
        self.several(count, 8, single)
    }

    /// Bytes to come.
    pub(super) fn left(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.bytes)
    }

    pub(super) fn end(&self) -> Result<(), Problem> {
        if self.bytes.is_empty() {
            Ok(())
        } else {
            Err("it is longer than it should be")
        }
    }
}
