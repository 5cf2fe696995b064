//! Activations, number by number.

use super::mish::{derivative, mish};

/// An activation and its derivative, known when compiling.
pub(super) trait ActivationFunction {
    fn value(x: f32) -> f32;
    fn derivative(x: f32) -> f32;
}

pub(super) struct Identity;
pub(super) struct Mish;
pub(super) struct Relu;

impl ActivationFunction for Identity {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        x
    }

    #[inline(always)]
    fn derivative(_: f32) -> f32 {
        1.0
    }
}

impl ActivationFunction for Mish {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        mish(x)
    }

    #[inline(always)]
    fn derivative(x: f32) -> f32 {
        derivative(x)
    }
}

impl ActivationFunction for Relu {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        if x > 0.0 { x } else { 0.0 }
    }

    #[inline(always)]
    fn derivative(x: f32) -> f32 {
        if x > 0.0 { 1.0 } else { 0.0 }
    }
}
