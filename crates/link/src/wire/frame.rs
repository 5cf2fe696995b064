//! Camera frames.

use super::{MOST_PIXELS, Problem, Reader, header};
use apprentice_core::{CameraFrame, Image};

/// Length of a message with a frame of so many pixels, bytes.
#[must_use]
pub fn frame_bytes(width: u32, height: u32) -> usize {
    let pixels = (width as usize).saturating_mul(height as usize);
    pixels.saturating_mul(3).saturating_add(28)
}

/// Bytes of a camera frame.
#[must_use]
pub fn encode_frame(frame: &CameraFrame) -> Vec<u8> {
    let mut out = header(3);
    // Growing step by step would copy the picture several times.
    out.reserve_exact(frame.image.rgb().len() + 28);
    out.extend(frame.sequence.to_le_bytes());
    out.extend(frame.stamp_ns.to_le_bytes());
    out.extend((frame.image.width() as u16).to_le_bytes());
    out.extend((frame.image.height() as u16).to_le_bytes());
    out.extend_from_slice(frame.image.rgb());
    out
}

/// The camera frame in a message.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_frame(bytes: &[u8]) -> Result<CameraFrame, Problem> {
    let mut r = Reader::new(bytes, 3)?;
    let (sequence, stamp_ns) = (r.u64()?, r.u64()?);
    let (width, height) = (r.u16()?, r.u16()?);
    let pixels = usize::from(width) * usize::from(height);
    if pixels == 0 || pixels > MOST_PIXELS {
        return Err("the picture has no pixels, or more than 4096 x 4096");
    }
    // Nothing is copied before it is known to be a picture.
    let misfit = "the number of bytes does not fit the picture's size";
    let rgb = r.rest();
    if rgb.len() != pixels * 3 {
        return Err(misfit);
    }
    let image = Image::new(width.into(), height.into(), rgb.to_vec()).map_err(|_| misfit)?;
    Ok(CameraFrame {
        sequence,
        stamp_ns,
        image,
    })
}
