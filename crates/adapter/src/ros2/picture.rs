//! Pictures of ROS cameras, in the size that the robot's description gives the camera.
//!
//! The middle of the picture with the camera's aspect ratio is cut out, then each pixel is the mean of the
//! area it covers, or the nearest pixel where the picture has to grow.

use crate::cdr::{CompressedImage, RawImage};
use apprentice_core::Image;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Most pixels of a JPEG or PNG file: 4096 x 2160. Their memory cannot be told from the file's length.
pub const MOST_PIXELS: usize = 4096 * 2160;

/// Pixels where they lie.
struct Pixels<'a> {
    width: usize,
    height: usize,
    /// Bytes from one row to the next.
    step: usize,
    /// Bytes of a pixel, and where red, green and blue are among them.
    layout: (usize, [usize; 3]),
    bytes: &'a [u8],
}

const RGB: (usize, [usize; 3]) = (3, [0, 1, 2]);
const BGR: (usize, [usize; 3]) = (3, [2, 1, 0]);
const MONO: (usize, [usize; 3]) = (1, [0, 0, 0]);

impl Pixels<'_> {
    /// Whether all pixels are there.
    fn check(&self) -> Result<(), String> {
        let row = self.width.checked_mul(self.layout.0);
        let all = self.step.checked_mul(self.height.saturating_sub(1));
        let needed = row.zip(all).and_then(|(row, all)| all.checked_add(row));
        let (w, h, step, got) = (self.width, self.height, self.step, self.bytes.len());
        if w == 0 || h == 0 {
            return Err(format!("it is a picture of {w}x{h} pixels"));
        }
        if row.is_none_or(|row| row > step) || needed.is_none_or(|needed| needed > got) {
            return Err(format!(
                "{got} bytes are too few for {w}x{h} pixels of {} bytes with {step} bytes a row",
                self.layout.0
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
        let (size, channels) = self.layout;
        let mut rgb = Vec::with_capacity(w * h * 3);
        let mut sums = vec![[0.0f32; 3]; w];
        for row in &rows {
            sums.fill([0.0; 3]);
            for (y, weight_y) in row.weights() {
                let line = self.row(y);
                for (sum, column) in sums.iter_mut().zip(&columns) {
                    for (x, weight_x) in column.weights() {
                        let Some(pixel) = line.get(x * size..(x + 1) * size) else {
                            continue;
                        };
                        for (total, &channel) in sum.iter_mut().zip(&channels) {
                            let value = pixel.get(channel).copied().unwrap_or(0);
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
/// When its encoding is none of `rgb8`, `bgr8` and `mono8`, or bytes are missing.
pub fn raw(image: &RawImage, width: u32, height: u32) -> Result<Image, String> {
    let layout = match image.encoding.as_str() {
        "rgb8" => RGB,
        "bgr8" => BGR,
        "mono8" => MONO,
        other => {
            return Err(format!(
                "its encoding is {other:?}, allowed: rgb8, bgr8 and mono8; set the camera driver's encoding, or use its compressed topic"
            ));
        }
    };
    Pixels {
        width: image.width as usize,
        height: image.height as usize,
        step: image.step as usize,
        layout,
        bytes: image.data,
    }
    .fitted(width, height)
}

/// A JPEG or PNG file, to the camera's size.
///
/// # Errors
/// When it is neither, has more than [`MOST_PIXELS`], is broken, or has colours other than grey, RGB and RGBA.
pub fn compressed(image: &CompressedImage, width: u32, height: u32) -> Result<Image, String> {
    let bytes = image.data;
    let decode = || match bytes {
        [0xff, 0xd8, ..] => jpeg(bytes),
        [0x89, b'P', b'N', b'G', ..] => png(bytes),
        _ => Err(format!(
            "its format is {:?} and its bytes begin with {:02x?}; allowed: JPEG and PNG",
            image.format,
            bytes.get(..4.min(bytes.len())).unwrap_or(&[])
        )),
    };
    // The decoders are others' work: should one of them panic on a file, the camera has to go on.
    let decoded = catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err("its decoder gave up".into()))?;
    let (size, pixels) = (decoded.layout.0, decoded.width);
    Pixels {
        width: decoded.width,
        height: decoded.height,
        step: pixels.saturating_mul(size),
        layout: decoded.layout,
        bytes: &decoded.bytes,
    }
    .fitted(width, height)
}

struct Decoded {
    width: usize,
    height: usize,
    layout: (usize, [usize; 3]),
    bytes: Vec<u8>,
}

fn allowed(width: usize, height: usize) -> Result<(), String> {
    if width.saturating_mul(height) > MOST_PIXELS {
        return Err(format!(
            "it has {width}x{height} pixels, allowed: {MOST_PIXELS} altogether"
        ));
    }
    Ok(())
}

fn jpeg(bytes: &[u8]) -> Result<Decoded, String> {
    let bad = |e: jpeg_decoder::Error| format!("it is no JPEG file that can be read: {e}");
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(MOST_PIXELS * 3);
    decoder.read_info().map_err(bad)?;
    let info = decoder
        .info()
        .ok_or("it is a JPEG file without a picture")?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    allowed(width, height)?;
    let layout = match info.pixel_format {
        jpeg_decoder::PixelFormat::L8 => MONO,
        jpeg_decoder::PixelFormat::RGB24 => RGB,
        other => return Err(format!("its pixels are {other:?}, allowed: L8 and RGB24")),
    };
    let bytes = decoder.decode().map_err(bad)?;
    Ok(Decoded {
        width,
        height,
        layout,
        bytes,
    })
}

fn png(bytes: &[u8]) -> Result<Decoded, String> {
    let bad = |e: png::DecodingError| format!("it is no PNG file that can be read: {e}");
    let limits = png::Limits {
        bytes: MOST_PIXELS * 8,
    };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let info = decoder.read_header_info().map_err(bad)?;
    let (width, height) = (info.width as usize, info.height as usize);
    allowed(width, height)?;
    let mut reader = decoder.read_info().map_err(bad)?;
    let layout = match reader.output_color_type() {
        (png::ColorType::Grayscale, _) => MONO,
        (png::ColorType::GrayscaleAlpha, _) => (2, [0, 0, 0]),
        (png::ColorType::Rgb, _) => RGB,
        (png::ColorType::Rgba, _) => (4, [0, 1, 2]),
        (other, _) => {
            return Err(format!(
                "its pixels are {other:?}, allowed: grey, RGB and RGBA"
            ));
        }
    };
    let needed = reader
        .output_buffer_size()
        .ok_or("its size cannot be told")?;
    let mut bytes = vec![0; needed];
    reader.next_frame(&mut bytes).map_err(bad)?;
    Ok(Decoded {
        width,
        height,
        layout,
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(
        encoding: &str,
        width: u32,
        height: u32,
        step: u32,
        data: &[u8],
    ) -> Result<Image, String> {
        let image = RawImage {
            encoding: encoding.into(),
            width,
            height,
            step,
            data,
            ..RawImage::default()
        };
        raw(&image, 2, 2)
    }

    #[test]
    fn colours_and_padding_are_understood() {
        let rgb: Vec<u8> = (0..12).collect();
        assert_eq!(image("rgb8", 2, 2, 6, &rgb).unwrap().rgb(), rgb);
        let bgr = [2, 1, 0, 5, 4, 3, 99, 99, 8, 7, 6, 11, 10, 9];
        assert_eq!(image("bgr8", 2, 2, 8, &bgr).unwrap().rgb(), rgb);
        let mono = image("mono8", 2, 2, 2, &[1, 2, 3, 4]).unwrap();
        assert_eq!(mono.rgb(), [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
    }

    #[test]
    fn the_middle_is_cut_out_and_averaged_or_repeated() {
        // Of 6x4 the middle 4x4, each 2x2 of it one pixel.
        let mut grey = [0u8; 24];
        for (i, v) in grey.iter_mut().enumerate() {
            *v = [0, 10, 20, 30, 40, 50][i % 6] + (i / 6) as u8;
        }
        let small = image("mono8", 6, 4, 6, &grey).unwrap();
        let firsts: Vec<u8> = small.rgb().chunks(3).map(|p| p[0]).collect();
        // Means of 10, 20 and of 30, 40, plus rows 0, 1 and 2, 3, rounded half up.
        assert_eq!(firsts, [16, 36, 18, 38]);
        let grown = image("mono8", 1, 1, 1, &[7]).unwrap();
        assert_eq!(grown.rgb(), [7; 12]);
    }

    #[test]
    fn what_cannot_be_a_picture_is_refused_with_a_reason() {
        for (encoding, width, height, step, bytes, names) in [
            ("16UC1", 2, 2, 4, 8, "16UC1"),
            ("rgb8", 2, 2, 6, 11, "too few"),
            ("rgb8", 2, 2, 5, 12, "too few"),
            ("rgb8", 0, 2, 6, 12, "0x2"),
            ("rgb8", u32::MAX, u32::MAX, u32::MAX, 12, "too few"),
        ] {
            let error = image(encoding, width, height, step, &vec![0; bytes]).unwrap_err();
            assert!(error.contains(names), "{error}");
        }
    }

    #[test]
    fn png_files_are_read_and_broken_files_refused() {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 2, 2);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().unwrap();
        let rgb: Vec<u8> = (100..112).collect();
        writer.write_image_data(&rgb).unwrap();
        writer.finish().unwrap();
        let read = |data: &[u8]| {
            let image = CompressedImage {
                format: "png".into(),
                data,
                ..Default::default()
            };
            compressed(&image, 2, 2)
        };
        assert_eq!(read(&file).unwrap().rgb(), rgb);
        for cut in 0..file.len() - 12 {
            let error = read(&file[..cut]).unwrap_err();
            assert!(!error.is_empty());
        }
        // A header that claims 60000x60000 pixels is refused before they are allocated.
        let mut bomb = vec![0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0xea, 0x60, 0xea, 0x60, 3];
        bomb.extend([1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 0xff, 0xd9]);
        assert!(read(&bomb).is_err());
        assert!(read(b"GIF89a").unwrap_err().contains("JPEG and PNG"));
    }
}
