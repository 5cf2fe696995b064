//! Camera frames.

use super::{MOST_PIXELS, Problem, Reader, header};
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
    let head = Head::read(bytes)?;
    let pixels = bytes.get(HEAD..).unwrap_or_default();
    head.frame(pixels.to_vec())
}

/// The camera frame in a message that is given away: its pixels stay where they are.
///
/// # Errors
/// When the bytes are not one.
pub fn take_frame(mut bytes: Vec<u8>) -> Result<CameraFrame, Problem> {
    let head = Head::read(&bytes)?;
    bytes.drain(..HEAD);
    head.frame(bytes)
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
    /// Of a message that has as many pixels as it says.
    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let mut r = Reader::new(bytes, 3)?;
        let (sequence, stamp_ns) = (r.u64()?, r.u64()?);
        let (width, height) = (r.u16()?, r.u16()?);
        let pixels = usize::from(width) * usize::from(height);
        if pixels == 0 || pixels > MOST_PIXELS {
            return Err("the picture has no pixels, or more than 4096 x 4096");
        }
        if r.left() != pixels * 3 {
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
