//! Pictures as lossless PNG.

use apprentice_core::Image;
use std::io::Cursor;

/// Largest picture that is read, pixels a side; a longer one is taken for damage.
const LONGEST_SIDE: u32 = 1 << 14;

/// `image` as a PNG, compressed for speed.
pub(crate) fn encode_png(image: &Image) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::with_capacity(image.rgb().len() / 2);
    let mut encoder = png::Encoder::new(&mut bytes, image.width(), image.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(image.rgb())?;
    writer.finish()?;
    Ok(bytes)
}

/// The picture in a PNG of ours (8-bit RGB).
pub(crate) fn decode_png(bytes: &[u8]) -> Result<Image, String> {
    let mut reader = png::Decoder::new(Cursor::new(bytes))
        .read_info()
        .map_err(|e| e.to_string())?;
    let (width, height) = (reader.info().width, reader.info().height);
    if width.max(height) > LONGEST_SIDE {
        return Err(format!("picture of {width}x{height} pixels"));
    }
    if reader.output_color_type() != (png::ColorType::Rgb, png::BitDepth::Eight) {
        return Err("picture is not 8-bit RGB".into());
    }
    let mut rgb = vec![0; width as usize * height as usize * 3];
    reader.next_frame(&mut rgb).map_err(|e| e.to_string())?;
    Image::new(width, height, rgb).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn lossless(width in 1u32..20, height in 1u32..20, seed: u8) {
            let rgb = (0..width * height * 3)
                .map(|i| (i as u8).wrapping_mul(37) ^ seed)
                .collect();
            let image = Image::new(width, height, rgb).unwrap();
            prop_assert_eq!(decode_png(&encode_png(&image).unwrap()).unwrap(), image);
        }
    }

    #[test]
    fn cut_pictures_are_errors() {
        let image = Image::new(8, 8, (0..192).collect()).unwrap();
        let bytes = encode_png(&image).unwrap();
        for length in 0..bytes.len() - 12 {
            assert!(decode_png(&bytes[..length]).is_err(), "{length}");
        }
    }
}
