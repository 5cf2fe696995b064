//! JPEG files (ITU-T T.81), whole ones only.
//!
//! A decoder goes on with zero bits where a scan's data end too early and hands out a picture that is grey from
//! there on. So the file is looked through first: it must go on to its end marker, and behind each scan's data
//! a few one bits are laid. No Huffman code consists of ones alone (T.81, C.2), so that a decoder that has to
//! read them says that the data cannot be read.

use super::decoded::{Decoded, MOST_PIXELS, allowed};
use super::encodings::{BGR, GREY, RGB};

const CUT: &str = "it is cut short: its JPEG data end before their end marker (EOI)";

/// Most scans of a file; progressive ones have about ten.
const MOST_SCANS: usize = 64;
/// Most restart markers that are guarded: one for each block of 8 x 8 pixels.
const MOST_RESTARTS: usize = MOST_PIXELS / 64;
/// Laid behind data: room for a code, the 11 bits that may belong to it, and another code. No more, as a decoder
/// looks for a restart marker within 7 bytes only. A zero behind a byte of ones says that it is no marker.
const ONES: [u8; 12] = [0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0];
/// As many zero bits.
const ZEROS: [u8; 6] = [0; 6];

const SOF2: u8 = 0xc2;
const DHT: u8 = 0xc4;
const RST0: u8 = 0xd0;
const RST7: u8 = 0xd7;
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const TEM: u8 = 0x01;

/// Reads a JPEG file; `swapped` where red and blue have changed places in it.
pub(super) fn read(file: &[u8], swapped: bool) -> Result<Decoded, String> {
    let ones = Guarded::new(file, &ONES)?;
    let decoded = decode(&ones.file, swapped)?;
    // Of progressive scans some bits are no codes: what depends on bits that are not there is cut.
    if ones.progressive {
        let zeros = Guarded::new(file, &ZEROS)?;
        if decode(&zeros.file, swapped)?.bytes != decoded.bytes {
            return Err(CUT.into());
        }
    }
    Ok(decoded)
}

fn decode(file: &[u8], swapped: bool) -> Result<Decoded, String> {
    let bad =
        |e: jpeg_decoder::Error| format!("it is a JPEG file that is cut short or damaged: {e}");
    let mut decoder = jpeg_decoder::Decoder::new(file);
    decoder.set_max_decoding_buffer_size(MOST_PIXELS * 3);
    decoder.read_info().map_err(bad)?;
    let info = decoder
        .info()
        .ok_or("it is a JPEG file without a picture")?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    allowed(width, height)?;
    let layout = match info.pixel_format {
        jpeg_decoder::PixelFormat::L8 => GREY,
        jpeg_decoder::PixelFormat::RGB24 if swapped => BGR,
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

/// A file that goes on to its end marker, with bytes behind each scan's data that tell whether they are read.
struct Guarded {
    file: Vec<u8>,
    progressive: bool,
}

impl Guarded {
    /// Looks through `file`; `guard` is laid behind data.
    fn new(file: &[u8], guard: &'static [u8]) -> Result<Self, String> {
        let mut walk = Walk {
            file,
            at: 2,
            out: Vec::with_capacity(file.len() + 1024),
            guard,
            restarts: 0,
        };
        walk.out.extend([0xff, SOI]);
        let (mut tables, mut scans) = (false, 0);
        let mut progress = None;
        loop {
            let marker = walk.marker().ok_or(CUT)?;
            match marker {
                DHT => tables = true,
                SOS => {
                    // Motion JPEG leaves out the tables that each decoder of it knows.
                    if !tables && progress.is_none() {
                        walk.out.extend(STANDARD_TABLES);
                        tables = true;
                    }
                    scans += 1;
                    if scans > MOST_SCANS {
                        return Err(format!("it is a JPEG file of more than {MOST_SCANS} scans"));
                    }
                }
                _ => {}
            }
            walk.out.extend([0xff, marker]);
            match marker {
                EOI => {
                    if progress.as_ref().is_some_and(|p: &Progress| !p.complete()) {
                        return Err(CUT.into());
                    }
                    return Ok(Self {
                        file: walk.out,
                        progressive: progress.is_some(),
                    });
                }
                TEM | RST0..=SOI => {}
                SOF2 => progress = Some(Progress::new(walk.segment().ok_or(CUT)?)),
                SOS => {
                    let header = walk.segment().ok_or(CUT)?;
                    if let Some(progress) = &mut progress {
                        progress.scan(header);
                    }
                    walk.data().ok_or(CUT)?;
                }
                _ => {
                    walk.segment().ok_or(CUT)?;
                }
            }
        }
    }
}

/// Which coefficients of each component a progressive file's scans have brought to the last bit (T.81, G.1.1).
struct Progress(Vec<(u8, u64)>);

impl Progress {
    /// Nothing yet, of the components that a frame's segment lists from its eighth byte on, three bytes each.
    fn new(frame: &[u8]) -> Self {
        let listed = frame.get(8..).unwrap_or(&[]).chunks_exact(3);
        Self(listed.filter_map(|c| Some((*c.first()?, 0))).collect())
    }

    /// A scan's segment: its length, how many components, two bytes for each, the first and the last coefficient,
    /// and in half a byte how many bits are still to come.
    fn scan(&mut self, header: &[u8]) {
        let [_, _, listed @ .., first, last, bits] = header else {
            return;
        };
        if bits & 0x0f != 0 {
            return;
        }
        let which = |i: &u8| (first..=last).contains(&i);
        let brought = (0..64).filter(which).fold(0, |all, i| all | 1u64 << i);
        for component in listed.get(1..).unwrap_or(&[]).chunks_exact(2) {
            for (id, whole) in &mut self.0 {
                if component.first() == Some(id) {
                    *whole |= brought;
                }
            }
        }
    }

    fn complete(&self) -> bool {
        self.0.iter().all(|(_, whole)| *whole == u64::MAX)
    }
}

/// A way through a file, and a copy of what has been passed.
struct Walk<'a> {
    file: &'a [u8],
    at: usize,
    out: Vec<u8>,
    guard: &'static [u8],
    restarts: usize,
}

impl Walk<'_> {
    fn rest(&self) -> &[u8] {
        self.file.get(self.at..).unwrap_or(&[])
    }

    /// The next marker's code, behind it; `None` where the file ends.
    fn marker(&mut self) -> Option<u8> {
        loop {
            self.at += self.rest().iter().position(|&b| b == 0xff)?;
            self.at += self.rest().iter().position(|&b| b != 0xff)?;
            let code = *self.rest().first()?;
            self.at += 1;
            if code != 0 {
                return Some(code);
            }
        }
    }

    /// Takes a segment over, which begins with its length.
    fn segment(&mut self) -> Option<&[u8]> {
        let rest = self.file.get(self.at..)?;
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let segment = rest.get(..length)?;
        self.out.extend_from_slice(segment);
        self.at += length;
        Some(segment)
    }

    /// Takes a scan's data over, up to the marker behind them.
    fn data(&mut self) -> Option<()> {
        loop {
            let rest = self.file.get(self.at..)?;
            let run = rest.iter().position(|&b| b == 0xff)?;
            let (data, rest) = rest.split_at_checked(run)?;
            self.out.extend_from_slice(data);
            self.at += run;
            // A marker may have more bytes of ones in front.
            let code = rest.iter().position(|&b| b != 0xff)?;
            let (before, behind) = rest.split_at_checked(code + 1)?;
            match before.last()? {
                0 => {}
                RST0..=RST7 if self.restarts < MOST_RESTARTS => {
                    self.restarts += 1;
                    self.out.extend_from_slice(self.guard);
                }
                RST0..=RST7 => {}
                _ => {
                    self.out.extend_from_slice(self.guard);
                    return Some(());
                }
            }
            self.out.extend_from_slice(before);
            self.at = self.file.len() - behind.len();
        }
    }
}

/// The Huffman tables of T.81, Annex K.3.3, as a segment of a file: those of Motion JPEG.
#[rustfmt::skip]
const STANDARD_TABLES: [u8; 420] = [
    0xff, 0xc4, 0x01, 0xa2,
    // Table K.3: DC, luminance.
    0x00,
    0x00, 0x01, 0x05, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
    // Table K.4: DC, chrominance.
    0x01,
    0x00, 0x03, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
    // Table K.5: AC, luminance.
    0x10,
    0x00, 0x02, 0x01, 0x03, 0x03, 0x02, 0x04, 0x03, 0x05, 0x05, 0x04, 0x04, 0x00, 0x00, 0x01, 0x7d,
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
    0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0,
    0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
    0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
    0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
    0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5,
    0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
    // Table K.6: AC, chrominance.
    0x11,
    0x00, 0x02, 0x01, 0x02, 0x04, 0x04, 0x03, 0x04, 0x07, 0x05, 0x04, 0x04, 0x00, 0x01, 0x02, 0x77,
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
    0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0,
    0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
    0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5,
    0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
    0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
];
