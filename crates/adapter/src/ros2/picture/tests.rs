//! Pictures as cameras send them, and as they should not.

use super::*;

/// 64x48 pixels, made with Pillow 13.0 of ramps and noise: 4:2:2 with restart markers every 4 blocks and the
/// tables of T.81; 4:2:0; progressive.
const WEBCAM: &[u8] = include_bytes!("../../../tests/data/webcam.jpg");
const NOISE: &[u8] = include_bytes!("../../../tests/data/noise.jpg");
const PROGRESSIVE: &[u8] = include_bytes!("../../../tests/data/noise_progressive.jpg");

fn image(encoding: &str, width: u32, height: u32, step: u32, data: &[u8]) -> Result<Image, String> {
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

fn file(format: &str, data: &[u8], width: u32, height: u32) -> Result<Image, String> {
    let image = CompressedImage {
        format: format.into(),
        data,
        ..CompressedImage::default()
    };
    compressed(&image, width, height)
}

fn png_of(colour: png::ColorType, depth: png::BitDepth, data: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 2, 2);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn colours_and_padding_are_understood() {
    let rgb: Vec<u8> = (0..12).collect();
    assert_eq!(image("rgb8", 2, 2, 6, &rgb).unwrap().rgb(), rgb);
    let bgr = [2, 1, 0, 5, 4, 3, 99, 99, 8, 7, 6, 11, 10, 9];
    let mono = image("mono8", 2, 2, 2, &[1, 2, 3, 4]).unwrap();
    assert_eq!(mono.rgb(), [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
    let rgba = [0, 1, 2, 255, 3, 4, 5, 0, 99, 6, 7, 8, 7, 9, 10, 11, 8];
    let bgra = [2, 1, 0, 255, 5, 4, 3, 0, 99, 8, 7, 6, 7, 11, 10, 9, 8];
    for (encoding, step, data) in [
        ("bgr8", 8, &bgr[..]),
        ("8UC3", 8, &bgr),
        ("rgba8", 9, &rgba),
        ("bgra8", 9, &bgra),
        ("8UC4", 9, &bgra),
    ] {
        let read = image(encoding, 2, 2, step, data).unwrap();
        assert_eq!(read.rgb(), rgb, "{encoding}");
    }
    let grey = image("8UC1", 2, 2, 3, &[1, 2, 99, 3, 4]).unwrap();
    assert_eq!(grey, mono);
}

#[test]
fn luminance_and_colour_difference_become_what_opencv_makes_of_them() {
    // Y', Cb, Cr; then red, green, blue by BT.601's equations in whole fractions; all within one of what
    // OpenCV 5.0's cvtColor with COLOR_YUV2RGB_UYVY and COLOR_YUV2RGB_YUY2 says. The first six are the 100 %
    // colour bars and black and white.
    for (y, cb, cr, rgb) in [
        (16, 128, 128, [0, 0, 0]),
        (235, 128, 128, [255, 255, 255]),
        (81, 90, 240, [254, 0, 0]),
        (145, 54, 34, [0, 255, 1]),
        (41, 240, 110, [0, 0, 255]),
        (126, 128, 128, [128, 128, 128]),
        (0, 128, 128, [0, 0, 0]),
        (255, 128, 128, [255, 255, 255]),
        (100, 20, 200, [213, 82, 0]),
        (180, 220, 40, [51, 226, 255]),
        (60, 100, 180, [134, 20, 0]),
        (200, 150, 90, [154, 237, 255]),
    ] {
        // Luminances differ within a pair, and rows are padded.
        let uyvy = [cb, y, cr, 16, 9, 9, 128, 235, 128, y];
        let yuyv = [y, cb, 16, cr, 9, 9, 235, 128, y, 128];
        for (encoding, data) in [
            ("yuv422", uyvy),
            ("uyvy", uyvy),
            ("yuv422_yuy2", yuyv),
            ("yuyv", yuyv),
        ] {
            let read = image(encoding, 2, 2, 6, &data).unwrap();
            assert_eq!(read.rgb()[..3], rgb, "{encoding} {y} {cb} {cr}");
            let grey = i32::from(y) - 16;
            let grey = (f64::from(grey) * 255.0 / 219.0 + 0.5).clamp(0.0, 255.0) as u8;
            assert_eq!(read.rgb()[6..], [255, 255, 255, grey, grey, grey]);
        }
    }
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
        ("rgb8", 2, 2, 6, 11, "too few"),
        ("rgb8", 2, 2, 5, 12, "too few"),
        ("rgb8", 0, 2, 6, 12, "0x2"),
        ("rgba8", 2, 2, 8, 15, "too few"),
        ("yuv422", 2, 2, 4, 7, "too few"),
        ("yuv422_yuy2", 3, 2, 6, 12, "even"),
        ("rgb8", u32::MAX, u32::MAX, u32::MAX, 12, "too few"),
        ("uyvy", u32::MAX - 1, u32::MAX, u32::MAX, 12, "too few"),
        ("nv12", 2, 2, 2, 12, "yuv422_yuy2"),
        ("", 2, 2, 2, 12, "yuv422_yuy2"),
        ("bayer_rggb8", 2, 2, 2, 12, "image_proc"),
    ] {
        let error = image(encoding, width, height, step, &vec![0; bytes]).unwrap_err();
        assert!(error.contains(names), "{error}");
    }
}

#[test]
fn depth_and_other_deep_pictures_are_refused_with_what_to_set() {
    for encoding in [
        "16UC1",
        "16UC3",
        "16SC1",
        "32FC1",
        "32SC1",
        "64FC1",
        "mono16",
        "rgb16",
        "bgr16",
        "rgba16",
        "bgra16",
        "bayer_rggb16",
    ] {
        let error = image(encoding, 2, 2, 16, &[0; 64]).unwrap_err();
        assert!(
            error.contains(encoding) && error.contains("`topic`"),
            "{error}"
        );
    }
    let deep = png_of(png::ColorType::Grayscale, png::BitDepth::Sixteen, &[1; 8]);
    let colour = png_of(png::ColorType::Rgb, png::BitDepth::Sixteen, &[1; 24]);
    let shallow = png_of(png::ColorType::Grayscale, png::BitDepth::Eight, &[1; 4]);
    // compressed_depth_image_transport lays 12 bytes before the file.
    let behind = [&[0; 12][..], &deep].concat();
    for (format, data) in [
        ("png", &deep),
        ("", &deep),
        ("16UC1; png compressed ", &deep),
        ("mono16; png compressed mono16", &deep),
        ("rgb16; png compressed bgr16", &colour),
        ("16UC1; compressedDepth png", &behind),
        ("16UC1; compressedDepth", &behind),
        ("32FC1; compressedDepth rvl", &behind),
        // Brought down to 8 bits it is still no colour.
        ("16UC1; png compressed ", &shallow),
        ("16UC1; jpeg compressed ", &NOISE.to_vec()),
    ] {
        let error = file(format, data, 2, 2).unwrap_err();
        assert!(error.contains("`topic`"), "{format}: {error}");
    }
    // A deep grey camera whose pictures were brought down to 8 bits is one of grey.
    assert!(file("mono16; jpeg compressed mono8", NOISE, 2, 2).is_ok());
}

#[test]
fn what_a_file_is_its_bytes_say() {
    let rgb: Vec<u8> = (100..112).collect();
    let png = png_of(png::ColorType::Rgb, png::BitDepth::Eight, &rgb);
    for format in [
        "png",
        "jpeg",
        "",
        "rgb8; png compressed bgr8",
        "bgr8; png compressed bgr8",
        "rgb8; jpeg compressed bgr8",
    ] {
        assert_eq!(file(format, &png, 2, 2).unwrap().rgb(), rgb, "{format}");
    }
    let turned: Vec<u8> = rgb.chunks(3).flat_map(|p| [p[2], p[1], p[0]]).collect();
    let read = file("rgb8; png compressed rgb8", &png, 2, 2).unwrap();
    assert_eq!(read.rgb(), turned);
    let whole = file("jpeg", NOISE, 64, 48).unwrap();
    for format in ["png", "mjpeg", "rgb8; jpeg compressed bgr8"] {
        assert_eq!(file(format, NOISE, 64, 48).unwrap(), whole, "{format}");
    }
    let error = file("h264", b"\0\0\0\x01\x67", 2, 2).unwrap_err();
    assert!(
        error.contains("JPEG and PNG") && error.contains("h264"),
        "{error}"
    );
    assert!(
        file("gif", b"GIF89a", 2, 2)
            .unwrap_err()
            .contains("JPEG and PNG")
    );
}

#[test]
fn a_png_file_that_is_cut_short_is_refused_wherever_it_is_cut() {
    let rgb: Vec<u8> = (100..112).collect();
    let png = png_of(png::ColorType::Rgb, png::BitDepth::Eight, &rgb);
    for cut in 0..png.len() {
        let error = file("png", &png[..cut], 2, 2).unwrap_err();
        assert!(!error.is_empty());
    }
    // A header that claims 60000x60000 pixels is refused before they are allocated.
    let mut bomb = vec![0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0xea, 0x60, 0xea, 0x60, 3];
    bomb.extend([1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 0xff, 0xd9]);
    assert!(
        file("jpeg", &bomb, 2, 2)
            .unwrap_err()
            .contains("60000x60000")
    );
}

#[test]
fn a_jpeg_file_that_is_cut_short_is_refused_with_and_without_an_end_marker() {
    const END: [u8; 2] = [0xff, 0xd9];
    for (what, whole) in [
        ("webcam", WEBCAM),
        ("noise", NOISE),
        ("progressive", PROGRESSIVE),
    ] {
        let picture = file("jpeg", whole, 64, 48).unwrap();
        // Bytes behind the end are left alone: some cameras pad.
        let padded = [whole, &[0; 7]].concat();
        assert_eq!(file("jpeg", &padded, 64, 48).unwrap(), picture, "{what}");
        for cut in 0..whole.len() {
            assert!(
                file("jpeg", &whole[..cut], 64, 48).is_err(),
                "{what} at {cut}"
            );
        }
        let mut different = 0;
        for cut in 2..whole.len() - END.len() {
            let ended = [&whole[..cut], &END].concat();
            if let Ok(read) = file("jpeg", &ended, 64, 48) {
                // What is taken away belongs to the last block, or is no picture's.
                different += usize::from(read != picture);
                let first = read.rgb()[..64 * 32 * 3] == picture.rgb()[..64 * 32 * 3];
                assert!(
                    first || what == "progressive",
                    "{what} at {cut} of {}",
                    whole.len()
                );
            }
        }
        println!(
            "{what}: {different} cuts of {} change a picture that is taken",
            whole.len()
        );
        assert!(different <= 4, "{what}: {different}");
    }
}

#[test]
fn motion_jpeg_without_tables_gets_the_standard_ones() {
    let mut bare = WEBCAM[..2].to_vec();
    let mut at = 2;
    let mut left_out = 0;
    while WEBCAM[at + 1] != 0xda {
        let end = at + 2 + usize::from(u16::from_be_bytes([WEBCAM[at + 2], WEBCAM[at + 3]]));
        if WEBCAM[at + 1] == 0xc4 {
            left_out += 1;
        } else {
            bare.extend(&WEBCAM[at..end]);
        }
        at = end;
    }
    bare.extend(&WEBCAM[at..]);
    assert_eq!(left_out, 4);
    let whole = file("jpeg", WEBCAM, 64, 48).unwrap();
    assert_eq!(file("jpeg", &bare, 64, 48).unwrap(), whole);
    assert!(file("jpeg", &bare[..bare.len() - 400], 64, 48).is_err());
}
