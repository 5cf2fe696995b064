//! `e^x` of many numbers at once.

use pulp::{NullaryFnOnce, Simd, WithSimd};

/// The smallest and the largest number; one of them is not finite if any number is not.
pub(crate) fn range(numbers: &[f64]) -> (f64, f64) {
    pulp::Arch::new().dispatch(Range(numbers))
}

struct Range<'a>(&'a [f64]);

impl WithSimd for Range<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (f64, f64) {
        let zero = simd.splat_f64s(0.0);
        let mut low = simd.splat_f64s(f64::INFINITY);
        let mut high = simd.splat_f64s(f64::NEG_INFINITY);
        // Times zero, a number is zero, or none if it is not finite.
        let mut spoilt = zero;
        let (wide, rest) = S::as_simd_f64s(self.0);
        for x in wide {
            low = simd.min_f64s(*x, low);
            high = simd.max_f64s(*x, high);
            spoilt = simd.mul_add_f64s(*x, zero, spoilt);
        }
        let (mut low, mut high) = (simd.reduce_min_f64s(low), simd.reduce_max_f64s(high));
        let mut spoilt = simd.reduce_sum_f64s(spoilt);
        for x in rest {
            (low, high) = (low.min(*x), high.max(*x));
            spoilt += x * 0.0;
        }
        (low + spoilt, high + spoilt)
    }
}

/// Each cost as `e^((low - cost) scale)`.
pub(crate) fn of_costs(costs: &[f64], low: f64, scale: f64, out: &mut [f64]) {
    pulp::Arch::new().dispatch(OfCosts {
        costs,
        low,
        scale,
        out,
    });
}

struct OfCosts<'a> {
    costs: &'a [f64],
    low: f64,
    scale: f64,
    out: &'a mut [f64],
}

impl NullaryFnOnce for OfCosts<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (out, cost) in self.out.iter_mut().zip(self.costs) {
            *out = exp((self.low - cost) * self.scale);
        }
    }
}

/// `e^r` for |r| <= ln 2 / 2 by powers of r, from the eleventh down: the polynomial whose largest relative
/// error is least, 3e-18.
const POWERS: [f64; 12] = [
    2.499_430_327_381_439_4e-8,
    2.763_230_817_489_448_7e-7,
    2.755_762_262_047_198e-6,
    2.480_148_648_143_64e-5,
    1.984_126_943_247_048_8e-4,
    1.388_888_895_126_104_1e-3,
    8.333_333_333_559_434e-3,
    4.166_666_666_649_263e-2,
    0.166_666_666_666_661_7,
    0.500_000_000_000_001_8,
    1.0,
    1.0,
];

/// `e^x` for x up to 0, to 3e-16 of itself: `2^n e^r` with |r| <= ln 2 / 2, in arithmetic the compiler can
/// vectorise. Below -708, where it would underflow, zero.
#[inline(always)]
fn exp(x: f64) -> f64 {
    // Adding 1.5 * 2^52 rounds to a whole number and leaves it in the low bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const LN_2_HIGH: f64 = 0.693_145_751_953_125;
    const LN_2_LOW: f64 = 1.428_606_820_309_417_2e-6;
    let held = if x < -708.0 { -708.0 } else { x };
    let rounded = held.mul_add(std::f64::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, held));
    let mut power = POWERS[0];
    for factor in &POWERS[1..] {
        power = power.mul_add(r, *factor);
    }
    let whole = power * f64::from_bits((rounded.to_bits() << 52).wrapping_add(1023 << 52));
    if x < -708.0 { 0.0 } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_exponential() {
        for i in 0..200_000 {
            let x = -f64::from(i) * 0.003_54;
            let (got, exact) = (exp(x), x.exp());
            assert!(
                (got - exact).abs() <= 4e-16 * exact,
                "e^{x}: {got:e}, not {exact:e}"
            );
        }
        assert_eq!((exp(0.0), exp(-1e300)), (1.0, 0.0));
    }
}
