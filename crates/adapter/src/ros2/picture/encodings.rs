//! What the bytes of a raw picture mean: the names of ROS's `sensor_msgs/image_encodings.hpp`.

/// How a pixel's colour is found among the bytes of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// So many bytes a pixel, and where red, green and blue are among them.
    Channels(usize, [usize; 3]),
    /// Two pixels in four bytes: where both luminances, Cb and Cr are among them.
    Pairs([usize; 2], usize, usize),
}

pub(super) const RGB: Layout = Layout::Channels(3, [0, 1, 2]);
pub(super) const BGR: Layout = Layout::Channels(3, [2, 1, 0]);
pub(super) const RGBA: Layout = Layout::Channels(4, [0, 1, 2]);
pub(super) const BGRA: Layout = Layout::Channels(4, [2, 1, 0]);
pub(super) const GREY: Layout = Layout::Channels(1, [0; 3]);
pub(super) const GREY_ALPHA: Layout = Layout::Channels(2, [0; 3]);
const UYVY: Layout = Layout::Pairs([1, 3], 0, 2);
const YUYV: Layout = Layout::Pairs([0, 2], 1, 3);

const ALLOWED: &str = "allowed: rgb8, bgr8, rgba8, bgra8, mono8, 8UC1, 8UC3, 8UC4, yuv422 (uyvy) and yuv422_yuy2 (yuyv)";

/// What to do about pictures that are no 8-bit colours.
pub(super) const TO_DO: &str = "set this camera's `topic` in [adapter] to its 8-bit colour picture, such as /camera/color/image_raw";

/// The layout of an encoding. Alpha is passed over.
///
/// `8UC3` and `8UC4` name no colours: they are taken for BGR and BGRA, as OpenCV orders them and as cv_bridge's
/// `cvtColorForDisplay` guesses. A driver that means RGB has to say `rgb8`.
pub(super) fn layout(encoding: &str) -> Result<Layout, String> {
    Ok(match encoding {
        "rgb8" => RGB,
        "bgr8" | "8UC3" => BGR,
        "rgba8" => RGBA,
        "bgra8" | "8UC4" => BGRA,
        "mono8" | "8UC1" => GREY,
        "yuv422" | "uyvy" => UYVY,
        "yuv422_yuy2" | "yuyv" => YUYV,
        other => {
            let other: String = other.chars().take(32).collect();
            let what = if is_deep(&other) {
                format!("more than 8 bits a channel, as depth has, is no colour; {TO_DO}")
            } else if other.starts_with("bayer_") {
                "a sensor's mosaic is no colour yet; run image_proc's debayer node and set this camera's `topic` in [adapter] to its image_color".into()
            } else {
                format!("{ALLOWED}; set the camera driver's encoding, or use its compressed topic")
            };
            return Err(format!("its encoding is {other:?}: {what}"));
        }
    })
}

/// Whether an encoding has more than 8 bits a channel.
pub(super) fn is_deep(encoding: &str) -> bool {
    ["16", "32", "64"].iter().any(|bits| {
        encoding
            .strip_prefix(bits)
            .is_some_and(|rest| ["UC", "SC", "FC"].iter().any(|kind| rest.starts_with(kind)))
    }) || ["mono16", "rgb16", "bgr16", "rgba16", "bgra16"].contains(&encoding)
        || (encoding.starts_with("bayer_") && encoding.ends_with("16"))
}

impl Layout {
    /// Bytes that a row of so many pixels needs; `None` where there is no such row.
    pub(super) fn row(self, width: usize) -> Option<usize> {
        match self {
            Self::Channels(size, _) => width.checked_mul(size),
            Self::Pairs(..) => width.is_multiple_of(2).then(|| width.checked_mul(2))?,
        }
    }

    /// Red, green and blue of the pixel at `x`.
    pub(super) fn pixel(self, row: &[u8], x: usize) -> Option<[u8; 3]> {
        match self {
            Self::Channels(size, channels) => {
                let pixel = row.get(x * size..(x + 1) * size)?;
                Some(channels.map(|c| pixel.get(c).copied().unwrap_or(0)))
            }
            Self::Pairs(luminances, cb, cr) => {
                let pair = row.get(x / 2 * 4..x / 2 * 4 + 4)?;
                let y = if x.is_multiple_of(2) {
                    luminances[0]
                } else {
                    luminances[1]
                };
                Some(bt601(*pair.get(y)?, *pair.get(cb)?, *pair.get(cr)?))
            }
        }
    }
}

/// Red, green and blue of Y'CbCr in the limited range (16 to 235, 16 to 240) of ITU-R BT.601: what V4L2 gives
/// for these formats by default, and what OpenCV, and so cv_bridge and image_proc, take them for. As there, less
/// than black is black.
fn bt601(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    // BT.601, 2.5.1: the shares of red, green and blue in luminance.
    const RED: f32 = 0.299;
    const GREEN: f32 = 0.587;
    const BLUE: f32 = 0.114;
    let y = f32::from(y.max(16) - 16) * (255.0 / 219.0);
    let cb = (f32::from(cb) - 128.0) * (2.0 * (1.0 - BLUE) * 255.0 / 224.0);
    let cr = (f32::from(cr) - 128.0) * (2.0 * (1.0 - RED) * 255.0 / 224.0);
    [y + cr, y - (BLUE * cb + RED * cr) / GREEN, y + cb].map(|v| (v + 0.5).clamp(0.0, 255.0) as u8)
}
