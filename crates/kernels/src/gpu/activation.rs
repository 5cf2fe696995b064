//! Activations and their slopes.

use crate::activation::Activation;
use crate::launch::mish;
use burn_cubecl::cubecl;
use cubecl::prelude::*;

#[cube]
pub(super) fn activated(y: f32, #[comptime] activation: Activation) -> f32 {
    let mut value = y;
    if comptime!(activation == Activation::Relu) {
        value = select(y > 0.0f32, y, 0.0f32);
    }
    if comptime!(activation == Activation::Mish) {
        value = mish(y);
    }
    value
}

#[cube]
pub(super) fn derivative(y: f32, #[comptime] activation: Activation) -> f32 {
    let mut value = 1.0f32;
    if comptime!(activation == Activation::Relu) {
        value = select(y > 0.0f32, 1.0f32, 0.0f32);
    }
    if comptime!(activation == Activation::Mish) {
        let e = select(y < 20.0f32, y, 20.0f32).exp();
        let n = e * (e + 2.0f32);
        let inverse = 1.0f32 / (n + 2.0f32);
        value = n * inverse + y * (4.0f32 * e * (e + 1.0f32) * inverse * inverse);
    }
    value
}
