//! PNG files of 8 bits a channel or less.

use super::decoded::{Decoded, MOST_PIXELS, allowed};
use super::encodings::{BGR, BGRA, GREY, GREY_ALPHA, RGB, RGBA, TO_DO};
use std::io::Cursor;

/// Reads a PNG file; `swapped` where red and blue have changed places in it.
pub(super) fn read(file: &[u8], swapped: bool) -> Result<Decoded, String> {
    let bad = |e: png::DecodingError| format!("it is a PNG file that is cut short or damaged: {e}");
    let limits = png::Limits {
        bytes: MOST_PIXELS * 8,
    };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let info = decoder.read_header_info().map_err(bad)?;
    let (width, height) = (info.width as usize, info.height as usize);
    allowed(width, height)?;
    if info.bit_depth == png::BitDepth::Sixteen {
        return Err(format!(
            "it is a PNG file of 16 bits a channel, as depth has, which is no colour; {TO_DO}"
        ));
    }
    let mut reader = decoder.read_info().map_err(bad)?;
    let layout = match reader.output_color_type().0 {
        png::ColorType::Grayscale => GREY,
        png::ColorType::GrayscaleAlpha => GREY_ALPHA,
        png::ColorType::Rgb if swapped => BGR,
        png::ColorType::Rgb => RGB,
        png::ColorType::Rgba if swapped => BGRA,
        png::ColorType::Rgba => RGBA,
        other => {
            return Err(format!(
                "its pixels are {other:?}, allowed: grey, RGB and RGBA"
            ));
        }
    };
    let needed = reader
        .output_buffer_size()
        .ok_or("its size cannot be told")?;
    let mut bytes = vec![0; needed];
    let got = reader.next_frame(&mut bytes).map_err(bad)?;
    if (got.width as usize, got.height as usize) != (width, height) {
        return Err(format!(
            "it is a PNG file of {width}x{height} pixels whose first picture has {}x{}",
            got.width, got.height
        ));
    }
    // Up to its end marker (IEND).
    reader.finish().map_err(bad)?;
    Ok(Decoded {
        width,
        height,
        layout,
        bytes,
    })
}
