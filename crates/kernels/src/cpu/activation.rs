//! Activations, number by number.

use super::mish::{mish, slope};

/// An activation and its slope, known when compiling.
pub(super) trait Curve {
    fn value(x: f32) -> f32;
    fn slope(x: f32) -> f32;
}

pub(super) struct Identity;
pub(super) struct Mish;
pub(super) struct Relu;

impl Curve for Identity {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        x
    }

    #[inline(always)]
    fn slope(_: f32) -> f32 {
        1.0
    }
}

impl Curve for Mish {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        mish(x)
    }

    #[inline(always)]
    fn slope(x: f32) -> f32 {
        slope(x)
    }
}

impl Curve for Relu {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        if x > 0.0 { x } else { 0.0 }
    }

    #[inline(always)]
    fn slope(x: f32) -> f32 {
        if x > 0.0 { 1.0 } else { 0.0 }
    }
}
