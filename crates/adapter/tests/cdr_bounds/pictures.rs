//! Pictures that are not what they should be.

use super::{LIVE, MOST, Read, draws, measured, mutate};
use apprentice_adapter::cdr::{CompressedImage, Header, RawImage};
use apprentice_adapter::ros2::picture;
use std::time::{Duration as Span, Instant};

/// Changes a picture file as cameras and networks do: cuts it with and without an end marker, takes a piece out,
/// sets a header's byte, swaps halves with another file, or as [`mutate`] does.
fn mutate_file(bytes: &mut Vec<u8>, other: &[u8], draw: &mut impl FnMut() -> u32) {
    let length = bytes.len().max(1);
    let at = draw() as usize % length;
    match draw() % 6 {
        0 => bytes.truncate(at),
        1 => {
            bytes.truncate(at);
            bytes.extend([0xff, 0xd9]);
        }
        2 => {
            let end = length.min(at + 1 + draw() as usize % 64);
            bytes.drain(at.min(end)..end);
        }
        3 => {
            let at = draw() as usize % length.min(200);
            bytes[at] = draw() as u8;
        }
        4 => {
            bytes.truncate(at);
            bytes.extend(other.iter().skip(draw() as usize % other.len()));
        }
        _ => mutate(bytes, draw),
    }
}

#[test]
fn mutated_picture_files_do_not_stop_a_camera() {
    // Made with Pillow: 16x12 pixels, the others 64x48, with restart markers the first of them.
    let files: [&[u8]; 6] = [
        include_bytes!("../data/colours.jpg"),
        include_bytes!("../data/progressive.jpg"),
        include_bytes!("../data/colours.png"),
        include_bytes!("../data/webcam.jpg"),
        include_bytes!("../data/noise.jpg"),
        include_bytes!("../data/noise_progressive.jpg"),
    ];
    let mut draw = draws(11);
    let (began, mut bytes) = (Instant::now(), Vec::new());
    let (mut inputs, mut good, mut most) = (0, 0, 0);
    let mut slowest = Span::ZERO;
    while inputs < 24_000 && began.elapsed() < Span::from_secs(30) {
        for (i, file) in files.iter().enumerate() {
            bytes.clear();
            bytes.extend(*file);
            if inputs >= files.len() {
                let other = files[(i + 1 + draw() as usize % 5) % files.len()];
                mutate_file(&mut bytes, other, &mut draw);
            }
            let read: Read = |data| {
                let image = CompressedImage {
                    data,
                    ..CompressedImage::default()
                };
                let read = picture::compressed(&image, 4, 3);
                // What a decoder's panic is made into.
                let gave_up = read.as_ref().is_err_and(|e| e.contains("gave up"));
                assert!(!gave_up, "the decoder panicked on {data:02x?}");
                read.is_ok_and(|image| {
                    let size = (image.width(), image.height(), image.rgb().len());
                    assert_eq!(size, (4, 3, 36));
                    true
                })
            };
            let started = Instant::now();
            let (fine, took) = measured(read, &bytes);
            slowest = slowest.max(started.elapsed());
            assert!(fine || inputs >= files.len(), "the files as they are");
            (inputs, good, most) = (inputs + 1, good + u64::from(fine), most.max(took));
        }
    }
    println!(
        "{inputs} mutated picture files: {good} still good, at most {most} bytes and {slowest:?} taken"
    );
    // Of the most pixels allowed: three bytes each, twice, and coefficients of progressive files.
    assert!(most <= picture::MOST_PIXELS * 16, "{most}");
    assert!(inputs >= 20_000 && good < inputs as u64);
}

#[test]
fn mutated_raw_pictures_do_not_stop_a_camera() {
    let encodings = [
        "rgb8",
        "bgr8",
        "rgba8",
        "bgra8",
        "mono8",
        "8UC1",
        "8UC3",
        "8UC4",
        "yuv422",
        "yuv422_yuy2",
        "uyvy",
        "yuyv",
        "16UC1",
        "bayer_rggb8",
        "",
    ];
    let mut draw = draws(13);
    let data: Vec<u8> = (0..4096).map(|i| i as u8).collect();
    let (mut good, mut most) = (0, 0);
    for i in 0..20_000 {
        let mut number = |usual: u32| match draw() % 8 {
            0 => [0, 1, 2, 3, u32::MAX, 1 << 31, 65_536, 4096][draw() as usize % 8],
            _ => usual,
        };
        let image = RawImage {
            header: Header::default(),
            height: number(16),
            width: number(32),
            encoding: encodings[i % encodings.len()].into(),
            is_bigendian: (i % 2) as u8,
            step: number(128),
            data: data.get(..number(2048) as usize % 4097).unwrap_or(&data),
        };
        let before = LIVE.get();
        MOST.set(before);
        let read = picture::raw(&image, 4, 3);
        most = most.max((MOST.get() - before) as usize);
        if let Ok(read) = read {
            assert_eq!((read.width(), read.height(), read.rgb().len()), (4, 3, 36));
            good += 1;
        }
    }
    println!("20000 mutated raw pictures: {good} still good, at most {most} bytes taken");
    assert!((1_000..19_000).contains(&good), "{good}");
    assert!(most <= 4096, "{most}");
}
