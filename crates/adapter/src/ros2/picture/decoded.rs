//! A picture that was a file.

use super::encodings::Layout;

/// Most pixels of a JPEG or PNG file: 4096 x 2160. Their memory cannot be told from the file's length.
pub const MOST_PIXELS: usize = 4096 * 2160;

/// A file's pixels, row by row without gaps.
pub(super) struct Decoded {
    pub width: usize,
    pub height: usize,
    pub layout: Layout,
    pub bytes: Vec<u8>,
}

/// Refuses more than [`MOST_PIXELS`].
pub(super) fn allowed(width: usize, height: usize) -> Result<(), String> {
    if width.saturating_mul(height) > MOST_PIXELS {
        return Err(format!(
            "it has {width}x{height} pixels, allowed: {MOST_PIXELS} altogether"
        ));
    }
    Ok(())
}
