//! RGB pictures as they come from a camera.

use std::sync::Arc;
use thiserror::Error;

/// An 8-bit RGB picture, row-major, height x width x 3, first pixel top left. Clones share the pixels: a frame
/// goes to the agent, the recorder and the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    width: u32,
    height: u32,
    rgb: Arc<Vec<u8>>,
}

/// A picture whose bytes do not match its size.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("image of {width}x{height} pixels needs {expected} bytes (RGB8), got {got}")]
pub struct ImageError {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Bytes that size needs.
    pub expected: usize,
    /// Bytes that were given.
    pub got: usize,
}

impl Image {
    /// Wraps `rgb` (height x width x 3 bytes).
    ///
    /// # Errors
    /// When the number of bytes is not `width * height * 3`.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self, ImageError> {
        let expected = (width as usize)
            .saturating_mul(height as usize)
            .saturating_mul(3);
        if rgb.len() != expected {
            return Err(ImageError {
                width,
                height,
                expected,
                got: rgb.len(),
            });
        }
        Ok(Self {
            width,
            height,
            rgb: Arc::new(rgb),
        })
    }

    /// The memory of its pixels, unless a clone still shows them.
    #[must_use]
    pub fn into_memory(self) -> Option<Vec<u8>> {
        Arc::try_unwrap(self.rgb).ok()
    }

    /// The pixels, as [`Image::rgb`] has them, without a copy.
    #[must_use]
    pub fn shared(&self) -> Arc<Vec<u8>> {
        Arc::clone(&self.rgb)
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The bytes, height x width x 3.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The bytes, by value.
    #[must_use]
    pub fn into_rgb(self) -> Vec<u8> {
        Arc::unwrap_or_clone(self.rgb)
    }

    /// A copy of another size: area average when shrinking, bilinear when growing.
    #[must_use]
    pub fn resized(&self, width: u32, height: u32) -> Self {
        if width == self.width && height == self.height {
            return self.clone();
        }
        let columns = taps(self.width as usize, width as usize);
        let rows = taps(self.height as usize, height as usize);
        let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
        for row in &rows {
            for column in &columns {
                let mut sum = [0.0f32; 3];
                for &(y, wy) in row {
                    for &(x, wx) in column {
                        let at = (y * self.width as usize + x) * 3;
                        for (total, &value) in sum.iter_mut().zip(&self.rgb[at..at + 3]) {
                            *total += wy * wx * f32::from(value);
                        }
                    }
                }
                rgb.extend(sum.map(|v| v.round().clamp(0.0, 255.0) as u8));
            }
        }
        Self {
            width,
            height,
            rgb: Arc::new(rgb),
        }
    }
}

/// For each output index the input indices it draws from, with weights that sum to one.
fn taps(from: usize, to: usize) -> Vec<Vec<(usize, f32)>> {
    let ratio = from as f32 / to as f32;
    let reach = ratio.max(1.0);
    (0..to)
        .map(|i| {
            let centre = (i as f32 + 0.5) * ratio;
            let first = (centre - reach).floor().max(0.0) as usize;
            let last = ((centre + reach).ceil() as usize).min(from);
            let mut taps: Vec<(usize, f32)> = (first..last)
                .map(|j| {
                    (
                        j,
                        (1.0 - ((j as f32 + 0.5) - centre).abs() / reach).max(0.0),
                    )
                })
                .filter(|&(_, w)| w > 0.0)
                .collect();
            let total: f32 = taps.iter().map(|t| t.1).sum();
            taps.iter_mut().for_each(|t| t.1 /= total);
            taps
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_length_is_refused_with_both_numbers() {
        let error = Image::new(2, 2, vec![0; 11]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "image of 2x2 pixels needs 12 bytes (RGB8), got 11"
        );
    }

    #[test]
    fn resizing_keeps_a_flat_colour_and_the_mean_of_a_ramp() {
        let flat = Image::new(8, 6, vec![77; 8 * 6 * 3]).unwrap();
        assert!(flat.resized(3, 5).rgb().iter().all(|&v| v == 77));
        let ramp = Image::new(16, 1, (0..16).flat_map(|v| [v * 10; 3]).collect()).unwrap();
        let half = ramp.resized(8, 1);
        let mean =
            |i: &Image| i.rgb().iter().map(|&v| f32::from(v)).sum::<f32>() / i.rgb().len() as f32;
        assert!((mean(&ramp) - mean(&half)).abs() < 2.0);
    }
}
