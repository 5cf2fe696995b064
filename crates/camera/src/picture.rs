//! Pictures as cameras send them.

use apprentice_adapter::cdr::{CompressedImage, RawImage};
use apprentice_adapter::ros2::picture;
use apprentice_core::Image;

/// A picture as it came.
#[derive(Clone, Debug, PartialEq)]
pub enum Picture {
    /// Decoded already.
    Rgb(Image),
    /// A JPEG file (of MJPEG, too) or a PNG file.
    File(Vec<u8>),
    /// Y'CbCr 4:2:2, two pixels in four bytes: luminance, Cb, luminance, Cr.
    Yuyv {
        /// Pixels of a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes from one row to the next.
        step: u32,
        /// `step * height` bytes.
        bytes: Vec<u8>,
    },
}

impl Picture {
    /// The middle of it that has this aspect ratio, in this size (pixels): as pictures of ROS cameras are fitted.
    ///
    /// # Errors
    /// When it is cut short, damaged or too large.
    pub fn image(&self, width: u32, height: u32) -> Result<Image, String> {
        match self {
            Self::Rgb(image) if (image.width(), image.height()) == (width, height) => {
                Ok(image.clone())
            }
            Self::Rgb(image) => picture::raw(
                &RawImage {
                    width: image.width(),
                    height: image.height(),
                    encoding: "rgb8".into(),
                    step: image.width().saturating_mul(3),
                    data: image.rgb(),
                    ..RawImage::default()
                },
                width,
                height,
            ),
            Self::File(bytes) => picture::compressed(
                &CompressedImage {
                    // Colours in the order of the file.
                    format: "rgb8; compressed bgr8".into(),
                    data: bytes,
                    ..CompressedImage::default()
                },
                width,
                height,
            ),
            Self::Yuyv {
                width: w,
                height: h,
                step,
                bytes,
            } => picture::raw(
                &RawImage {
                    width: *w,
                    height: *h,
                    encoding: "yuyv".into(),
                    step: *step,
                    data: bytes,
                    ..RawImage::default()
                },
                width,
                height,
            ),
        }
    }
}
