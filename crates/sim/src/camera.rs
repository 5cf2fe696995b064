//! A pinhole camera as the rasteriser needs it.

use nalgebra::Isometry3;

/// A camera without distortion whose optical axis goes through the middle of the picture. Optical
/// frame: x to the right, y down, z out of the lens (as in ROS REP 103).
#[derive(Clone, Copy, Debug)]
pub struct Pinhole {
    /// Takes points from the base frame to the optical frame.
    pub from_base: Isometry3<f32>,
    /// Focal length, pixels.
    pub focal: f32,
}

impl Pinhole {
    /// A camera at `pose` (optical frame in the base frame) that sees `vertical_fov` radians over
    /// `height` pixels.
    #[must_use]
    pub fn new(pose: &Isometry3<f64>, vertical_fov: f64, height: u32) -> Self {
        Self {
            from_base: pose.inverse().cast(),
            focal: (0.5 * f64::from(height) / (0.5 * vertical_fov).tan()) as f32,
        }
    }
}
