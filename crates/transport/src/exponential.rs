//! `e^x` of many numbers at once.

use pulp::NullaryFnOnce;

/// The smallest and the largest number; one of them is not finite if any number is not.
pub(crate) fn range(numbers: &[f64]) -> (f64, f64) {
    pulp::Arch::new().dispatch(Range(numbers))
}

struct Range<'a>(&'a [f64]);

impl NullaryFnOnce for Range<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn call(self) -> (f64, f64) {
        let (mut low, mut high) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8]);
        // Times zero, a number is zero, or none if it is not finite.
        let mut spoilt = [0.0; 8];
        let (eights, rest) = self.0.as_chunks::<8>();
        for eight in eights {
            for i in 0..8 {
                let x = eight[i];
                low[i] = if x < low[i] { x } else { low[i] };
                high[i] = if x > high[i] { x } else { high[i] };
                spoilt[i] += x * 0.0;
            }
        }
        let spoilt = spoilt.iter().sum::<f64>() + rest.iter().map(|x| x * 0.0).sum::<f64>();
        let least = low
            .iter()
            .chain(rest)
            .copied()
            .fold(f64::INFINITY, f64::min);
        let most = high
            .iter()
            .chain(rest)
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        (least + spoilt, most + spoilt)
    }
}

/// Turns each cost into `e^((low - cost) / epsilon)`.
pub(crate) fn kernel(costs: &[f64], low: f64, epsilon: f64) -> Vec<f64> {
    let mut kernel = costs.to_vec();
    pulp::Arch::new().dispatch(Kernel {
        numbers: &mut kernel,
        low,
        epsilon,
    });
    kernel
}

struct Kernel<'a> {
    numbers: &'a mut [f64],
    low: f64,
    epsilon: f64,
}

impl NullaryFnOnce for Kernel<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for number in self.numbers {
            *number = exp((self.low - *number) / self.epsilon);
        }
    }
}

/// `e^x` for x up to 0, to 3e-16 of itself: `2^n e^r` with |r| <= ln 2 / 2, and for `e^r` the rational
/// function of the Cephes library (Moshier 1989), in arithmetic the compiler can vectorise. Below
/// -708, where it would underflow, zero.
#[inline(always)]
fn exp(x: f64) -> f64 {
    // Adding 1.5 * 2^52 rounds to a whole number and leaves it in the low bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const LN_2_HIGH: f64 = 0.693_145_751_953_125;
    const LN_2_LOW: f64 = 1.428_606_820_309_417_2e-6;
    let held = if x < -708.0 { -708.0 } else { x };
    let rounded = held * std::f64::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = held - n * LN_2_HIGH - n * LN_2_LOW;
    let square = r * r;
    let p = r * ((1.261_771_930_748_105_9e-4 * square + 3.029_944_077_074_419_6e-2) * square + 1.0);
    let q = ((3.001_985_051_386_644_6e-6 * square + 2.524_483_403_496_841e-3) * square
        + 0.227_265_548_208_155_03)
        * square
        + 2.0;
    let power = f64::from_bits((rounded.to_bits() << 52).wrapping_add(1023 << 52));
    let whole = (1.0 + 2.0 * p / (q - p)) * power;
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
