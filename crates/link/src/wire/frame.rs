//! Camera frames.

use super::layout::{MOST_PIXELS, Problem, Reader, header};
use apprentice_core::{CameraFrame, Image};

/// Length of a message with a frame of so many pixels, bytes.
#[must_use]
pub fn frame_bytes(width: u32, height: u32) -> usize {
    let pixels = (width as usize).saturating_mul(height as usize);
    pixels.saturating_mul(3).saturating_add(HEAD)
}

/// Bytes of a camera frame.
#[must_use]
pub fn encode_frame(frame: &CameraFrame) -> Vec<u8> {
    let mut out = encode_frame_head(frame);
    // Growing step by step would copy the picture several times.
    out.reserve_exact(frame.image.rgb().len());
    out.extend_from_slice(frame.image.rgb());
    out
}

/// Bytes of a camera frame up to its pixels, which follow as [`apprentice_core::Image::rgb`] has them.
pub(crate) fn encode_frame_head(frame: &CameraFrame) -> Vec<u8> {
    let mut out = header(3);
    out.extend(frame.sequence.to_le_bytes());
    out.extend(frame.stamp_ns.to_le_bytes());
    out.extend((frame.image.width() as u16).to_le_bytes());
    out.extend((frame.image.height() as u16).to_le_bytes());
    out
}

/// The camera frame in a message.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_frame(bytes: &[u8]) -> Result<CameraFrame, Problem> {
    // Nothing is copied before it is known to be a picture.
    let head = Head::read(bytes, bytes.len().saturating_sub(HEAD))?;
    let pixels = bytes.get(HEAD..).unwrap_or_default();
    head.frame(pixels.to_vec())
}

/// The camera frame in a message of `length` bytes that comes in pieces, as long ones do from the network: its
/// pixels are copied once, into `rgb`, whose memory is used again.
///
/// # Errors
/// When the bytes are not one.
pub fn join_frame<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    length: usize,
    mut rgb: Vec<u8>,
) -> Result<CameraFrame, Problem> {
    let after = length.saturating_sub(HEAD);
    let (mut start, mut head) = (Vec::with_capacity(HEAD), None);
    rgb.clear();
    for mut piece in pieces {
        if head.is_none() {
            let (taken, rest) = piece.split_at(piece.len().min(HEAD - start.len()));
            start.extend_from_slice(taken);
            piece = rest;
            if start.len() == HEAD {
                head = Some(Head::read(&start, after)?);
                rgb.reserve_exact(after);
            }
        }
        if rgb.len() + piece.len() > after {
            return Err(MISFIT);
        }
        rgb.extend_from_slice(piece);
    }
    head.ok_or("it is cut off")?.frame(rgb)
}

/// Bytes before the pixels.
const HEAD: usize = 28;
const MISFIT: Problem = "the number of bytes does not fit the picture's size";

/// What comes before the pixels.
struct Head {
    sequence: u64,
    stamp_ns: u64,
    width: u16,
    height: u16,
}

impl Head {
    /// Of a message with so many bytes after it, which must be as many pixels as it says.
    fn read(bytes: &[u8], after: usize) -> Result<Self, Problem> {
        let mut r = Reader::new(bytes, 3)?;
        let (sequence, stamp_ns) = (r.u64()?, r.u64()?);
        let (width, height) = (r.u16()?, r.u16()?);
        let pixels = usize::from(width) * usize::from(height);
        if pixels == 0 || pixels > MOST_PIXELS {
            return Err("the picture has no pixels, or more than 4096 x 4096");
        }
        if after != pixels * 3 {
            return Err(MISFIT);
        }
        Ok(Self {
            sequence,
            stamp_ns,
            width,
            height,
        })
    }

    fn frame(self, rgb: Vec<u8>) -> Result<CameraFrame, Problem> {
        let image = Image::new(self.width.into(), self.height.into(), rgb).map_err(|_| MISFIT)?;
        Ok(CameraFrame {
            sequence: self.sequence,
            stamp_ns: self.stamp_ns,
            image,
        })
    }
}
