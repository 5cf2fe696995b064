//! Reading an uncompressed 24-bit BMP photograph, and taking pixels from it exactly.

use apprentice_core::Image;
use std::{fs, path::Path};

/// The picture in a 24-bit, bottom-up, uncompressed BMP; `None` for any other kind.
pub fn read_bitmap(path: &Path) -> Option<Image> {
    let data = fs::read(path).ok()?;
    let word = |at: usize| Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?));
    let (offset, width, height) = (word(10)? as usize, word(18)?, word(22)?);
    // Planes (1) in the lower half, bits per pixel in the upper; then compression (none).
    if data.get(..2)? != b"BM" || word(26)? != 1 | 24 << 16 || word(30)? != 0 {
        return None;
    }
    let row_bytes = width as usize * 3;
    let stride = row_bytes.next_multiple_of(4);
    let mut rgb = Vec::with_capacity(row_bytes * height as usize);
    for row in (0..height as usize).rev() {
        let start = offset + row * stride;
        for bgr in data.get(start..start + row_bytes)?.chunks_exact(3) {
            rgb.extend([bgr[2], bgr[1], bgr[0]]);
        }
    }
    Image::new(width, height, rgb).ok()
}

/// `size` x `size` pixels, each taken from floor(i * side / size): no filter, so exact anywhere.
pub fn nearest(photo: &Image, size: u32) -> Image {
    let pick = |side: u32| (0..size).map(move |i| i * side / size);
    let mut rgb = Vec::new();
    for y in pick(photo.height()) {
        for x in pick(photo.width()) {
            let at = (y * photo.width() + x) as usize * 3;
            rgb.extend_from_slice(&photo.rgb()[at..at + 3]);
        }
    }
    Image::new(size, size, rgb).unwrap()
}
