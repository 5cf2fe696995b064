//! Measures of the hand: a palm and two fingers that slide along y of the tool frame (origin
//! between the fingertips, z out of the hand). Boxes, after the measures of the Franka Hand; metres.

use nalgebra::{Isometry3, Translation3, Vector3};

/// Opening of the fingers when fully open.
pub const MAX_WIDTH: f64 = 0.08;
/// Half extents of the palm.
pub const PALM_HALF: [f64; 3] = [0.030, 0.102, 0.029];
/// Middle of the palm along tool z.
pub const PALM_Z: f64 = -0.074;
/// Half extents of one finger.
pub const FINGER_HALF: [f64; 3] = [0.010, 0.006, 0.027];
/// Middle of a finger along tool z: its tip is 9 mm beyond the tool origin.
pub const FINGER_Z: f64 = -0.018;

/// The palm in the tool frame.
#[must_use]
pub fn palm() -> Isometry3<f64> {
    Translation3::new(0.0, 0.0, PALM_Z).into()
}

/// Finger 0 (at +y) or 1 (at -y) in the tool frame when the opening is `width` metres.
#[must_use]
pub fn finger(index: usize, width: f64) -> Isometry3<f64> {
    let side = if index == 0 { 1.0 } else { -1.0 };
    Translation3::new(0.0, side * (0.5 * width + FINGER_HALF[1]), FINGER_Z).into()
}

/// The direction in which finger `index` closes, tool frame.
#[must_use]
pub fn closing(index: usize) -> Vector3<f64> {
    Vector3::new(0.0, if index == 0 { -1.0 } else { 1.0 }, 0.0)
}
