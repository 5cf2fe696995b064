//! Mish and its derivative by one exponential, in arithmetic the compiler can vectorise.

use super::buffer_pool;
use pulp::NullaryFnOnce;
use rayon::prelude::*;

/// Numbers a task works on.
const PART: usize = 1 << 14;

/// Mish of each number.
pub(super) fn forward(x: &[f32]) -> Vec<f32> {
    let mut out = buffer_pool::take(x.len());
    out.par_chunks_mut(PART)
        .zip(x.par_chunks(PART))
        .for_each(|(out, x)| pulp::Arch::new().dispatch(Forward { x, out }));
    out
}

/// Turns the gradient of the output into that of the input, `gradient * mish'(x)`.
pub(super) fn backward(x: &[f32], gradient: &mut [f32]) {
    gradient
        .par_chunks_mut(PART)
        .zip(x.par_chunks(PART))
        .for_each(|(gradient, x)| pulp::Arch::new().dispatch(Slope { x, gradient }));
}

struct Forward<'a> {
    x: &'a [f32],
    out: &'a mut [f32],
}

impl NullaryFnOnce for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (out, &x) in self.out.iter_mut().zip(self.x) {
            *out = mish(x);
        }
    }
}

struct Slope<'a> {
    x: &'a [f32],
    gradient: &'a mut [f32],
}

impl NullaryFnOnce for Slope<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (gradient, &x) in self.gradient.iter_mut().zip(self.x) {
            *gradient *= derivative(x);
        }
    }
}

/// With `n = e^x (e^x + 2)`, `tanh(softplus(x)) = n / (n + 2)`. Above 20 that is one to the last
/// bit, and the exponential is held there.
#[inline(always)]
pub(super) fn mish(x: f32) -> f32 {
    let e = exp(if x > 20.0 { 20.0 } else { x });
    let n = e * (e + 2.0);
    x * (n / (n + 2.0))
}

/// The derivative of [`mish`].
#[inline(always)]
pub(super) fn derivative(x: f32) -> f32 {
    let e = exp(if x > 20.0 { 20.0 } else { x });
    let n = e * (e + 2.0);
    let inverse = 1.0 / (n + 2.0);
    n * inverse + x * (4.0 * e * (e + 1.0) * inverse * inverse)
}

/// `e^x` for x up to 88, to about 1e-7 of itself: `2^n e^r` with |r| <= ln 2 / 2, and for `e^r` the
/// minimax polynomial of the Cephes library (Moshier 1989). Without fused multiply-adds, so that
/// every processor computes the same bits. Below -87 it stays at e^-87.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = if x < -87.0 { -87.0 } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.500_000_06;
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23));
    (p * r * r + r + 1.0) * power
}

#[cfg(test)]
mod tests {
    use super::{derivative, exp, mish};

    fn exact(x: f64) -> f64 {
        x * x.exp().ln_1p().tanh()
    }

    #[test]
    fn the_exponential_is_exact_to_single_precision() {
        for i in -86_000..=88_000 {
            let x = i as f32 * 1e-3;
            let relative = f64::from(exp(x)) / f64::from(x).exp() - 1.0;
            assert!(relative.abs() < 3e-7, "e^{x} is off by {relative}");
        }
    }

    #[test]
    fn mish_and_its_slope_match_double_precision() {
        for i in -4000..4000 {
            let x = i as f32 * 0.01;
            let wide = f64::from(x);
            assert!((f64::from(mish(x)) - exact(wide)).abs() < 1e-6 * (1.0 + wide.abs()));
            let h = 1e-5;
            let rise = (exact(wide + h) - exact(wide - h)) / (2.0 * h);
            assert!(
                (f64::from(derivative(x)) - rise).abs() < 2e-6,
                "derivative at {x}"
            );
        }
    }

    #[test]
    fn not_a_number_stays_so() {
        assert!(mish(f32::NAN).is_nan() && derivative(f32::NAN).is_nan());
        assert!(mish(f32::INFINITY) == f32::INFINITY && mish(-1000.0).abs() < 1e-30);
    }
}
