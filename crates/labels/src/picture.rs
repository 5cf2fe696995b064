//! Pictures in PNG and JPEG files, of bounded size.

use crate::LabelsError;
use apprentice_core::Image;
use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

/// Largest file of a picture, bytes.
const LARGEST: u64 = 32 << 20;
/// Most pixels of a picture.
pub const MOST_PIXELS: usize = 1 << 24;

/// Reads a picture by its extension (.png, .jpg, .jpeg). Sizes are refused before anything is decoded.
pub fn read_picture(path: &Path) -> Result<Image, LabelsError> {
    let refuse = |what: String| LabelsError::file(path, what);
    let file = File::open(path).map_err(LabelsError::io(path))?;
    let size = file.metadata().map_err(LabelsError::io(path))?.len();
    if size > LARGEST {
        return Err(refuse(format!(
            "a picture of {size} bytes, allowed: up to {LARGEST}"
        )));
    }
    let mut bytes = Vec::new();
    BufReader::new(file)
        .take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(LabelsError::io(path))?;
    let decoded = if bytes.starts_with(b"\x89PNG") {
        png(&bytes)
    } else {
        jpeg(&bytes)
    };
    decoded.map_err(refuse)
}

fn allowed(width: usize, height: usize) -> Result<(), String> {
    if width == 0 || height == 0 || width.saturating_mul(height) > MOST_PIXELS {
        return Err(format!(
            "a picture of {width} x {height} pixels, allowed: 1 to {MOST_PIXELS} in all"
        ));
    }
    Ok(())
}

fn png(bytes: &[u8]) -> Result<Image, String> {
    let bad = |e: png::DecodingError| format!("it is a PNG file that is cut short or damaged: {e}");
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(bad)?;
    let (width, height) = (reader.info().width, reader.info().height);
    allowed(width as usize, height as usize)?;
    let channels = reader.output_color_type().0.samples();
    let mut pixels = vec![0; width as usize * height as usize * channels];
    reader.next_frame(&mut pixels).map_err(bad)?;
    image(width, height, &pixels, channels)
}

fn jpeg(bytes: &[u8]) -> Result<Image, String> {
    let bad = |e: jpeg_decoder::Error| {
        format!("it is neither PNG nor JPEG, or cut short or damaged: {e}")
    };
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(MOST_PIXELS * 3);
    decoder.read_info().map_err(bad)?;
    let info = decoder.info().ok_or("a JPEG file without a picture")?;
    allowed(usize::from(info.width), usize::from(info.height))?;
    let channels = match info.pixel_format {
        jpeg_decoder::PixelFormat::L8 => 1,
        jpeg_decoder::PixelFormat::RGB24 => 3,
        other => return Err(format!("its pixels are {other:?}, allowed: L8 and RGB24")),
    };
    let pixels = decoder.decode().map_err(bad)?;
    image(info.width.into(), info.height.into(), &pixels, channels)
}

/// Grey, grey and alpha, colours, or colours and alpha, as colours.
fn image(width: u32, height: u32, pixels: &[u8], channels: usize) -> Result<Image, String> {
    let rgb = pixels.chunks_exact(channels).flat_map(|p| match p {
        [r, g, b, ..] => [*r, *g, *b],
        [v, ..] => [*v; 3],
        [] => [0; 3],
    });
    Image::new(width, height, rgb.collect()).map_err(|e| e.to_string())
}
