//! Pictures of ROS cameras, in the size that the robot's description gives the camera.
//!
//! The middle of the picture with the camera's aspect ratio is cut out, then each pixel is the mean of the
//! area it covers, or the nearest pixel where the picture has to grow.

mod decoded;
mod encodings;
mod jpeg_file;
mod png_file;
#[cfg(test)]
mod tests;

use crate::cdr::{CompressedImage, RawImage};
use apprentice_core::Image;
pub use decoded::MOST_PIXELS;
use encodings::Layout;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Pixels where they lie.
struct Pixels<'a> {
    width: usize,
    height: usize,
    /// Bytes from one row to the next.
    step: usize,
    layout: Layout,
    bytes: &'a [u8],
}

impl Pixels<'_> {
    /// Whether all pixels are there.
    fn check(&self) -> Result<(), String> {
        let row = self.layout.row(self.width);
        let all = self.step.checked_mul(self.height.saturating_sub(1));
        let needed = row.zip(all).and_then(|(row, all)| all.checked_add(row));
        let (w, h, step, got) = (self.width, self.height, self.step, self.bytes.len());
        if w == 0 || h == 0 {
            return Err(format!("it is a picture of {w}x{h} pixels"));
        }
        if matches!(self.layout, Layout::Pairs(..)) && !w.is_multiple_of(2) {
            return Err(format!(
                "a row has {w} pixels; of this encoding two share their colour, so that only even numbers are allowed"
            ));
        }
        if row.is_none_or(|row| row > step) || needed.is_none_or(|needed| needed > got) {
            let row = row.unwrap_or(usize::MAX);
            return Err(format!(
                "{got} bytes are too few for {w}x{h} pixels: a row of them has {row} bytes, {step} from one to the next"
            ));
        }
        Ok(())
    }

    fn row(&self, y: usize) -> &[u8] {
        self.bytes.get(y * self.step..).unwrap_or(&[])
    }

    /// Its middle, in another size.
    fn fitted(&self, width: u32, height: u32) -> Result<Image, String> {
        self.check()?;
        let (w, h) = (width as usize, height as usize);
        if w == 0 || h == 0 {
            return Err("the camera is described without pixels".into());
        }
        // What is cut away is even on both sides, to a fraction of a pixel.
        let (full_w, full_h) = (self.width as f64, self.height as f64);
        let cut_w = full_w.min(full_h * w as f64 / h as f64);
        let cut_h = full_h.min(full_w * h as f64 / w as f64);
        let columns = spans((full_w - cut_w) / 2.0, cut_w, w, self.width);
        let rows = spans((full_h - cut_h) / 2.0, cut_h, h, self.height);
        let mut rgb = Vec::with_capacity(w * h * 3);
        let mut sums = vec![[0.0f32; 3]; w];
        for row in &rows {
            sums.fill([0.0; 3]);
            for (y, weight_y) in row.weights() {
                let line = self.row(y);
                for (sum, column) in sums.iter_mut().zip(&columns) {
                    for (x, weight_x) in column.weights() {
                        let Some(pixel) = self.layout.pixel(line, x) else {
                            continue;
                        };
                        for (total, value) in sum.iter_mut().zip(pixel) {
                            *total += weight_x * weight_y * f32::from(value);
                        }
                    }
                }
            }
            rgb.extend(
                sums.iter()
                    .flatten()
                    .map(|v| (v + 0.5).clamp(0.0, 255.0) as u8),
            );
        }
        Image::new(width, height, rgb).map_err(|e| e.to_string())
    }
}

/// Pixels that an output pixel draws from: `first`, up to `count` more, the ends in part.
struct Span {
    first: usize,
    last: usize,
    from: f64,
    to: f64,
}

impl Span {
    /// Indices with shares that sum to one.
    fn weights(&self) -> impl Iterator<Item = (usize, f32)> {
        let whole = self.to - self.from;
        let (from, to, one) = (self.from, self.to, self.first == self.last);
        (self.first..=self.last).map(move |i| {
            let part = (to.min(i as f64 + 1.0) - from.max(i as f64)) / whole;
            (i, if one { 1.0 } else { part.max(0.0) as f32 })
        })
    }
}

/// For each of `to` output pixels what it draws from, of `there` pixels those from `start` on, `length` many.
fn spans(start: f64, length: f64, to: usize, there: usize) -> Vec<Span> {
    let ratio = length / to as f64;
    let end = there.saturating_sub(1);
    (0..to)
        .map(|i| {
            let (from, to) = (start + i as f64 * ratio, start + (i + 1) as f64 * ratio);
            if ratio <= 1.0 {
                let nearest = (((from + to) / 2.0) as usize).min(end);
                return Span {
                    first: nearest,
                    last: nearest,
                    from,
                    to,
                };
            }
            let first = (from as usize).min(end);
            // An edge that is a pixel's border but for rounding must not touch the next pixel.
            let last = ((to - 1e-9).max(from) as usize).clamp(first, end);
            Span {
                first,
                last,
                from,
                to,
            }
        })
        .collect()
}

/// A picture as it is, to the camera's size.
///
/// # Errors
/// When its encoding is no 8-bit grey, RGB or YUV 4:2:2, or bytes are missing.
pub fn raw(image: &RawImage, width: u32, height: u32) -> Result<Image, String> {
    Pixels {
        width: image.width as usize,
        height: image.height as usize,
        step: image.step as usize,
        layout: encodings::layout(&image.encoding)?,
        bytes: image.data,
    }
    .fitted(width, height)
}

/// A JPEG or PNG file, to the camera's size.
///
/// What it is, its bytes say; what was packed into it, its format does: `jpeg`, or the raw encoding, `;` and
/// how it was packed, such as `rgb8; jpeg compressed bgr8`.
///
/// # Errors
/// When it is neither, has more than [`MOST_PIXELS`], is cut short or damaged, has more than 8 bits a channel, or
/// colours other than grey, RGB and RGBA.
pub fn compressed(image: &CompressedImage, width: u32, height: u32) -> Result<Image, String> {
    let bytes = image.data;
    let format: String = image.format.chars().take(64).collect();
    let (packed, how) = format.split_once(';').unwrap_or(("", &format));
    // The plain encodings of many bits may have been brought down to 8; those of depth were not.
    let of_depth = encodings::is_deep(packed) && packed.starts_with(|c: char| c.is_ascii_digit());
    if of_depth || how.contains("compressedDepth") {
        return Err(format!(
            "its format is {format:?}: depth is no colour; {}",
            encodings::TO_DO
        ));
    }
    // ROS's compressed_image_transport takes a file's first colour for blue, unless that is what it was packed as.
    let swapped = how.contains("compressed rgb");
    let decode = || match bytes {
        [0xff, 0xd8, ..] => jpeg_file::read(bytes, swapped),
        [0x89, b'P', b'N', b'G', ..] => png_file::read(bytes, swapped),
        _ => Err(format!(
            "its format is {format:?} and its bytes begin with {:02x?}; allowed: JPEG and PNG",
            bytes.get(..4.min(bytes.len())).unwrap_or(&[])
        )),
    };
    // The decoders are others' work: should one of them panic on a file, the camera has to go on.
    let decoded = catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err("its decoder gave up".into()))?;
    Pixels {
        width: decoded.width,
        height: decoded.height,
        step: decoded.layout.row(decoded.width).unwrap_or(usize::MAX),
        layout: decoded.layout,
        bytes: &decoded.bytes,
    }
    .fitted(width, height)
}
