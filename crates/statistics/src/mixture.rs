//! Sums of numbers of which only the logarithms fit.

/// `ln(mean(exp(x)))` of `n` logarithms.
pub(crate) fn ln_mean_exp<const N: usize>(logarithms: [f64; N]) -> f64 {
    let largest = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return largest;
    }
    let sum: f64 = logarithms.iter().map(|l| (l - largest).exp()).sum();
    largest + (sum / N as f64).ln()
}
